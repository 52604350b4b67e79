"""Pure graph algorithms over names: order, circles, ancestors. Linear in nodes and edges, no recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


def ancestors(names: Iterable[str], parents: Callable[[str], Iterable[str]]) -> set[str]:
    """`names` and everything they need, directly or not."""
    seen = set(names)
    stack = list(seen)
    while stack:
        for parent in parents(stack.pop()):
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return seen


def order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Every name after all it needs (Kahn, 1962); names that are not keys are taken as already there.

    In a graph with a circle, the names on it and after it are left out: compare lengths, then ask `circle`.
    """
    waiting: dict[str, int] = {}
    children: dict[str, list[str]] = {}
    ready: list[str] = []
    for name, parents in needs.items():
        known = {parent for parent in parents if parent in needs}
        if known:
            waiting[name] = len(known)
            for parent in known:
                children.setdefault(parent, []).append(name)
        else:
            ready.append(name)
    done = 0
    while done < len(ready):
        name = ready[done]
        done += 1
        for child in children.get(name, ()):
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    return ready


def circle(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The names of one circle, each needing the next and the last needing the first; empty when there is none.

    Depth-first search with an explicit stack (Tarjan, 1972).
    """
    finished: set[str] = set()
    for start in needs:
        if start in finished:
            continue
        trail: list[str] = [start]
        on_trail = {start: 0}
        iterators = [iter(needs[start])]
        while trail:
            for parent in iterators[-1]:
                if parent in on_trail:
                    return trail[on_trail[parent] :]
                if parent in needs and parent not in finished:
                    on_trail[parent] = len(trail)
                    trail.append(parent)
                    iterators.append(iter(needs[parent]))
                    break
            else:
                iterators.pop()
                name = trail.pop()
                del on_trail[name]
                finished.add(name)
    return []


def children_of(needs: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """The edges turned round: each name to the names that need it, once each."""
    children: dict[str, list[str]] = {}
    for name, parents in needs.items():
        for parent in dict.fromkeys(parents):
            children.setdefault(parent, []).append(name)
    return children
