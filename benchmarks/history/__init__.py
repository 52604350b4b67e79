"""How often a key survives the next release of real packages, per granularity of the code digest, and what it overlooks.

Each release is a workspace of its own, its sources are first party, and some of its public classes and functions stand
for components. A hit is a key that stayed the same from one release to the next. A hit is an ignored change when a
definition that the component may reach did change, by a judge that shares no code with the engine (`reach.py`).
Beyond that, the components of the newest release are called, and what runs is looked up among the definitions that
count for them (`executed.py`): "outside" is what ran and does not count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.history.executed import Executed, executed
from benchmarks.history.reach import Release, changed
from benchmarks.measuring import Fresh
from benchmarks.releases import content, modules, sources, spread, versions
from buildgraph.code import CodeIndex, Options
from buildgraph.digest import Digest

SIZE = 21  # releases: 20 steps from one to the next
COMPONENTS: Final = 16
PACKAGES: Final = {"imbalanced-learn": "0.14.2", "click": "8.5.1", "rich": "15.0.0", "kedro": "1.7.0"}  # newest release that counts
GRANULARITIES: Final = ("source", "definition", "module", "package")
RESULTS: Final = Path(__file__).parent.parent / "results"


@dataclass(frozen=True)
class Replay:
    """What one package's history showed: counts by granularity, and each ignored change in words."""

    package: str
    releases: tuple[str, ...]
    components: tuple[str, ...]
    steps: int  # pairs of a component and two releases that both have it
    unchanged: int  # steps in which nothing changed that the judge can see
    hits: Mapping[str, int]
    ignored: Mapping[str, tuple[str, ...]]
    executed: Executed  # of the newest release


def measure(size: int, runs: int, fresh: Fresh, *packages: str) -> dict[str, Any]:
    """Replays `size` releases of each package ("name" or "name==newest"). Without names, of those in PACKAGES: then results/history.* are written."""
    del runs, fresh
    wanted = dict(each.partition("==")[::2] for each in packages) or PACKAGES
    replays = [replay(package, newest, size) for package, newest in wanted.items()]
    if not packages:
        (RESULTS / "history.json").write_text(_json(replays))
        (RESULTS / "history.md").write_text(_table(replays))
    return {each.package: _line(each) for each in replays} | {f"{each.package}: {what}": found for each in replays for what, found in _faults(each) if found}


def _line(replay: Replay) -> str:
    shares = [f"{name} {_share(replay.hits.get(name, 0), replay.steps)} ({len(replay.ignored[name])} ignored)" for name in GRANULARITIES]
    return f"{len(replay.releases)} releases, {replay.steps} steps, {_share(replay.unchanged, replay.steps)} unchanged: {', '.join(shares)}; executed {replay.executed.definitions}, outside {len(replay.executed.outside)}"


def _faults(replay: Replay) -> list[tuple[str, tuple[str, ...]]]:
    return [("ignored at definition level", replay.ignored["definition"]), ("executed outside", replay.executed.outside)]


def replay(package: str, newest: str, count: int) -> Replay:
    """Raises CalledProcessError when the package index does not know `package`."""
    found = [(version, root) for version in versions(package, newest, count) if (root := sources(package, version))]
    judges = [Release({name: content(path, version) for name, path in modules(root).items()}) for version, root in found]
    presence = Counter(point for judge in judges for point in set(judge.classes_and_functions()))
    components = spread(sorted(point for point, times in presence.items() if times * 5 >= len(judges) * 4), COMPONENTS)
    memo: dict[bytes, bytes] = {}
    keys = [_keys(root, version, [point for point in components if judge.has(point)], memo) for (version, root), judge in zip(found, judges, strict=True)]
    steps = unchanged = 0
    hits: Counter[str] = Counter()
    ignored: dict[str, list[str]] = {name: [] for name in GRANULARITIES}
    for at in range(1, len(found)):
        for point in components:
            if point not in keys[at - 1] or point not in keys[at]:
                continue
            steps += 1
            overlooked = changed(judges[at - 1].reachable(point), judges[at].reachable(point))
            unchanged += not overlooked
            for name in GRANULARITIES:
                if keys[at - 1][point][name] == keys[at][point][name]:
                    hits[name] += 1
                    if overlooked:
                        what = ", ".join(f"{module}:{definition or '(statements)'}" for module, definition in overlooked[:5])
                        ignored[name].append(f"{found[at - 1][0]} -> {found[at][0]} {point}: {what}")
    return Replay(
        package, tuple(version for version, _ in found), tuple(components), steps, unchanged, dict(hits), {name: tuple(each) for name, each in ignored.items()},
        executed(package, *found[-1], keys[-1]),
    )  # fmt: skip


def _keys(root: Path, version: str, points: list[str], memo: dict[bytes, bytes]) -> dict[str, dict[str, Digest]]:
    def read(path: str) -> tuple[bytes, Digest]:
        data = content(path, version)
        return data, Digest.of(data)

    index = CodeIndex(str(root), search=[], read=read, memo=memo)
    return {point: {name: index.of(point, Options(granularity=name)).digest for name in GRANULARITIES} for point in points}


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.1f} %"


def _json(replays: list[Replay]) -> str:
    rows = [
        {"package": each.package, "releases": each.releases, "components": each.components, "steps": each.steps, "unchanged": each.unchanged,
         "hits": {name: each.hits.get(name, 0) for name in GRANULARITIES}, "ignored": {name: len(each.ignored[name]) for name in GRANULARITIES},
         "ignored at definition level": each.ignored["definition"],
         "executed": {"components": each.executed.components, "definitions": each.executed.definitions, "outside": each.executed.outside}}
        for each in replays
    ]  # fmt: skip
    return json.dumps({"benchmark": "history", "packages": rows}, indent=1) + "\n"


def _table(replays: list[Replay]) -> str:
    lines = ["# Replay of release histories", "", "Written by `python -m benchmarks history`; the components and every ignored change are in `history.json`.", "", *str(__doc__).splitlines()[2:], ""]
    lines += [f"| package | releases | steps | nothing reachable changed | {' | '.join(GRANULARITIES)} | executed definitions outside |", f"|---|---|---|---|{'---|' * len(GRANULARITIES)}---|"]
    for each in replays:
        cells = [f"{_share(each.hits.get(name, 0), each.steps)}, {len(each.ignored[name])} ignored" for name in GRANULARITIES]
        row = [each.package, f"{len(each.releases)}: {each.releases[0]} to {each.releases[-1]}", str(each.steps), _share(each.unchanged, each.steps), *cells, f"{len(each.executed.outside)} of {each.executed.definitions}"]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"
