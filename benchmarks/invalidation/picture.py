"""The scorecard as a picture: a row for every tool, a tile for every edit, coloured where the tool was wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.edits import EITHER, HIT, RUN

_RIGHT, _STALE, _WASTED, _INK = "#e4e7eb", "#c0392b", "#d99a1c", "#1f2933"
_GAP = 3.0  # tiles between groups


def draw(table: dict[str, Any], path: Path) -> None:
    """Write the picture as SVG; equal tables give equal bytes under one version of matplotlib."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    places, groups = _layout(table)
    tools = list(table["tools"].items())
    width = max(places.values()) + 1
    with mpl.rc_context({"svg.hashsalt": "invalidation", "font.size": 9, "font.family": "DejaVu Sans", "text.color": _INK}):
        figure, axes = plt.subplots(figsize=(12, 1.9 + 0.34 * len(tools)))
        figure.subplots_adjust(left=0.11, right=0.86, top=0.70, bottom=0.10)
        beside = axes.get_yaxis_transform()  # across in widths of the picture, down in rows
        counted = ((1.05, "stale", _STALE), (1.12, "wasted", _WASTED))
        for at, key, colour in counted:
            axes.text(at, -0.75, key, ha="right", va="center", color=colour, transform=beside)
        for row, (name, found) in enumerate(tools):
            axes.text(-0.01, row, name, ha="right", va="center", fontweight="bold" if name == "buildgraph" else "normal", transform=beside)
            if "not_run" in found:
                axes.text(0, row, "not run", va="center", style="italic")
                continue
            for start, end in groups.values():
                axes.broken_barh([(start, end - start)], (row - 0.38, 0.76), facecolors=_RIGHT)
            for names, colour in ((found["stale"], _STALE), (found["wasted"], _WASTED)):
                axes.broken_barh(_runs(places[name] for name in names), (row - 0.38, 0.76), facecolors=colour, linewidth=0)
            for at, key, colour in counted:
                axes.text(at, row, len(found[key]), ha="right", va="center", color=colour if found[key] else _INK, fontweight="bold", transform=beside)
        for group, (start, end) in groups.items():
            axes.text((start + end) / 2 - 1, -0.6, group, ha="left", va="bottom", rotation=40, rotation_mode="anchor")
        axes.set_xlim(0, width)
        axes.set_ylim(len(tools) - 0.4, -0.6)
        axes.axis("off")
        counts = table["counts"]
        figure.text(0.012, 0.93, f"{counts[RUN]} edits that change the result, {counts[HIT]} that do not: what each tool does next", fontsize=12, fontweight="bold")
        kinds = {_RIGHT: "right", _STALE: "stale: the result changed, nothing ran", _WASTED: "wasted: nothing changed, it ran"}
        figure.legend(
            handles=[Patch(color=colour, label=label) for colour, label in kinds.items()],
            loc="lower left", bbox_to_anchor=(0.1, 0.0), ncols=3, frameon=False, handlelength=1.2,
        )  # fmt: skip
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        plt.close(figure)


def _runs(places: Iterable[float]) -> list[tuple[float, float]]:
    """Start and length of every stretch of neighbours."""
    runs: list[tuple[float, float]] = []
    for place in sorted(places):
        start, length = runs[-1] if runs else (-1.0, 0.0)
        if start + length == place:
            runs[-1] = (start, length + 1)
        else:
            runs.append((place, 1))
    return runs


def _layout(table: dict[str, Any]) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Where every counted edit stands, and from where to where its group goes; must-run before must-hit."""
    places: dict[str, float] = {}
    groups: dict[str, tuple[float, float]] = {}
    at = 0.0
    for group in dict.fromkeys(edit["group"] for edit in table["edits"]):
        edits = [edit for edit in table["edits"] if edit["group"] == group and edit["label"] != EITHER]
        start = at
        for edit in sorted(edits, key=lambda edit: edit["label"] != RUN):
            places[edit["name"]] = at
            at += 1
        groups[group] = (start, at)
        at += _GAP
    return places, groups
