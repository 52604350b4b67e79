"""Graph algorithms: right on every small graph, and in linear time and without recursion on the large ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from buildgraph.graph import ancestors, children_of, circle, order

NAMES = "abcdefgh"
ANY_GRAPH = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=4), max_size=8)
ACYCLIC = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=4), max_size=8).map(
    lambda needs: {name: [parent for parent in parents if parent < name] for name, parents in needs.items()}
)


def drawn(text: str) -> dict[str, list[str]]:
    """The graph drawn as `a b -> c` (c needs a and b), one per line."""
    needs: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        parents, _, name = line.partition("->")
        needs[name.strip()] = parents.split()
    return needs


def counted(needs: Mapping[str, list[str]], asked: list[str]) -> Mapping[str, Iterable[str]]:
    """The same graph, noting in `asked` whose needs are looked at."""

    class Counting(dict[str, list[str]]):
        def __getitem__(self, name: str) -> list[str]:
            asked.append(name)
            return super().__getitem__(name)

    return Counting(needs)


def test_ancestors_are_everything_that_is_needed() -> None:
    """Directly or not, the asked-for included, and nothing else."""
    needs = drawn("""
        -> corpus
        corpus -> tokens
        corpus -> labels
        tokens labels -> model
        tokens -> report
    """)
    assert ancestors(["model"], needs.__getitem__) == {"model", "tokens", "labels", "corpus"}
    assert ancestors(["report", "labels"], needs.__getitem__) == {"report", "tokens", "labels", "corpus"}
    assert ancestors([], needs.__getitem__) == set()


def test_order_puts_every_name_after_what_it_needs() -> None:
    """Independent names keep the order in which they were written."""
    assert order(drawn("b c -> d\n a -> b\n a -> c\n -> a\n -> z")) == ["a", "z", "b", "c", "d"]


def test_a_name_needed_twice_counts_once() -> None:
    """One parent may fill several parameters."""
    assert order({"b": ["a", "a"], "a": []}) == ["a", "b"]
    assert children_of({"b": ["a", "a"], "a": []}) == {"a": ["b"]}


def test_names_from_outside_are_already_there() -> None:
    """Graph inputs are needed, but are no nodes."""
    assert order({"a": ["outside"]}) == ["a"]
    assert circle({"a": ["outside"]}) == []


@given(ACYCLIC)
def test_the_order_of_a_graph_without_circles_is_complete(needs: dict[str, list[str]]) -> None:
    """Each name once, after all it needs."""
    found = order(needs)
    assert sorted(found) == sorted(needs)
    place = {name: at for at, name in enumerate(found)}
    assert all(place[parent] < place[name] for name in needs for parent in needs[name] if parent in needs)
    assert circle(needs) == []


@given(ANY_GRAPH)
def test_a_graph_has_a_circle_exactly_when_its_order_is_incomplete(needs: dict[str, list[str]]) -> None:
    """And what is reported is a circle: each name needs the next, the last needs the first, none comes twice."""
    found = circle(needs)
    assert bool(found) == (len(order(needs)) < len(needs))
    assert len(set(found)) == len(found)
    assert all(following in needs[name] for name, following in zip(found, found[1:] + found[:1], strict=True))


@given(ANY_GRAPH)
def test_children_are_the_edges_turned_round(needs: dict[str, list[str]]) -> None:
    """Each edge once in each direction."""
    children = children_of(needs)
    assert {(n, p) for n in needs for p in needs[n]} == {(n, p) for p in children for n in children[p]}


def test_a_name_that_needs_itself_is_a_circle_of_one() -> None:
    """The smallest mistake."""
    assert circle({"a": ["a"]}) == ["a"]
    assert order({"a": ["a"], "b": []}) == ["b"]


def test_the_whole_circle_is_reported_and_nothing_that_leads_to_it() -> None:
    """A thousand names long, with a tail that is not part of it."""
    needs = {f"n{i}": [f"n{(i + 1) % 1_000}"] for i in range(1_000)}
    needs = {"tail": ["n500"], **needs}
    assert sorted(circle(needs)) == sorted(f"n{i}" for i in range(1_000))


def test_a_chain_of_10_000_needs_no_recursion() -> None:
    """Far beyond the recursion limit, in both directions of writing."""
    chain = {f"n{i}": [f"n{i - 1}"] if i else [] for i in range(10_000)}
    for needs in (chain, dict(reversed(chain.items()))):
        assert order(needs) == list(chain)
        assert circle(needs) == []
        assert len(ancestors(["n9999"], needs.__getitem__)) == 10_000


def test_a_diamond_of_200_layers_is_walked_once_per_name() -> None:
    """2^200 paths, 401 names: every name's needs are looked at once."""
    needs: dict[str, list[str]] = {"top0": []}
    for i in range(200):
        needs |= {f"left{i}": [f"top{i}"], f"right{i}": [f"top{i}"], f"top{i + 1}": [f"left{i}", f"right{i}"]}
    asked: list[str] = []
    assert len(ancestors(["top200"], counted(needs, asked).__getitem__)) == len(needs)
    assert len(asked) == len(needs)
    asked.clear()
    assert circle(dict(reversed(needs.items()))) == []
    assert circle(counted(needs, asked)) == []
    assert len(asked) == len(needs)
    assert len(order(needs)) == len(needs)
