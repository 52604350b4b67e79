"""What a contest found, as Markdown and as text: a table per size, a row per tool, a column per edit."""

from __future__ import annotations

from typing import Any

_SHOWN = {"cpu_s": "CPU seconds", "wall_s": "wall seconds", "ran": "targets that ran"}


def markdown(found: dict[str, Any]) -> str:
    """The page of one workload. `found` is what `python -m benchmarks WORKLOAD --json` prints."""
    lines = [f"# {found['workload']}", "", f"`{found['command']}`", "", _machine(found), ""]
    for contest in found["contests"]:
        lines += _contest(contest)
    return "\n".join(lines)


def _machine(found: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in found["machine"].items()) + "."


def _contest(contest: dict[str, Any]) -> list[str]:
    edits, tools = list(contest["edits"]), contest["tools"]
    cones = ", ".join(f"{name} {count}" for name, count in contest["edits"].items() if count is not None)
    lines = [f"## {contest['targets']} targets, median of {contest['runs']}", "", f"Targets that each edit reaches: {cones}.", ""]
    for key, title in _SHOWN.items():
        lines += _grid(title, edits, {name: [tool["edits"][edit][key] for edit in edits] for name, tool in _named(tools).items()})
    lines += _grid("CPU, times ours of the same kind", edits, {
        name: [tool["edits"][edit].get("cpu_ratio", "–") for edit in edits] for name, tool in _named(tools).items() if not name.startswith("buildgraph")
    })  # fmt: skip
    lines += _grid("of a whole run", ["largest process, cold, MiB", "largest process, none, MiB", "cold, CPU µs per target", "none, CPU µs per target"], {
        name: [tool["edits"][edit][key] for key in ("rss_mib", "cpu_us_per_target") for edit in ("cold", "none")] for name, tool in _named(tools).items()
    })  # fmt: skip
    if contest["missing"]:
        lines += ["Not measured:", "", *(f"- **{name}**: {why}" for name, why in contest["missing"].items()), ""]
    return lines


def _named(tools: dict[str, Any]) -> dict[str, Any]:
    return {f"{name} {tool['version']}": tool for name, tool in tools.items()}


def _grid(title: str, heads: list[str], rows: dict[str, list[Any]]) -> list[str]:
    if not rows:
        return []
    lines = [f"| {title} | {' | '.join(heads)} |", f"|---{'|--:' * len(heads)}|"]
    return [*lines, *(f"| {name} | {' | '.join(f'{value:g}' if isinstance(value, float) else str(value) for value in values)} |" for name, values in rows.items()), ""]
