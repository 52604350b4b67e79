"""Pictures of what was found: bars per tool and edit for a contest, lines over size for growth. Equal tables give equal bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_OURS, _OTHERS = "#1b6ca8", ("#6b7280", "#9aa5b1", "#b08968", "#8a9a5b", "#a37c9c", "#c0a062", "#7d9fb5", "#b5838d", "#857a6d", "#94a89a", "#5f6c7b")
_EDITS = ("cold", "none", "leaf")


@contextmanager
def _figure(name: str, into: Path, size: tuple[float, float], columns: int = 1) -> Iterator[Any]:
    """The axes of a picture that is written as `name`.svg and `name`.png."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    with mpl.rc_context({"svg.hashsalt": name, "font.size": 9, "font.family": "DejaVu Sans"}):
        figure, axes = plt.subplots(1, columns, figsize=size, squeeze=False)
        yield figure, axes[0]
        figure.savefig(into / f"{name}.svg", metadata={"Date": None, "Creator": None})
        figure.savefig(into / f"{name}.png", dpi=110, metadata={"Software": None})
        plt.close(figure)


def contest(found: dict[str, Any], into: Path) -> None:
    """CPU seconds per target of every tool at its largest size: cold, unchanged, one leaf changed."""
    tools = {name: (tool, each["targets"]) for each in found["contests"] for name, tool in each["tools"].items()}
    names = list(tools)[::-1]
    with _figure(found["workload"], into, (11, 1.2 + 0.3 * len(names)), len(_EDITS)) as (figure, axes):
        for at, (axis, edit) in enumerate(zip(axes, _EDITS, strict=True)):
            values = [tools[name][0]["edits"][edit]["cpu_us_per_target"] for name in names]
            axis.barh(range(len(names)), values, color=[_OURS if name.startswith("buildgraph") else _OTHERS[0] for name in names])
            axis.set_xscale("log")
            axis.minorticks_off()
            axis.set_xlim(min(values) / 2, max(values) * 6)
            axis.set_yticks(range(len(names)), [f"{name}, {tools[name][1]:,}" for name in names] if not at else [""] * len(names))
            for row, value in enumerate(values):
                axis.text(value, row, f" {value:g}", va="center", fontsize=8)
            axis.set_title(edit, fontsize=10)
            axis.spines[["top", "right"]].set_visible(False)
        axes[1].set_xlabel("CPU microseconds per target of the graph (logarithmic); beside each tool, the size of its graph")
        figure.suptitle(f"{found['workload']}: what a build costs", fontsize=12, fontweight="bold")
        figure.tight_layout()


def growth(found: dict[str, Any], into: Path) -> None:
    """CPU seconds over the number of targets, both logarithmic, with the fitted exponents."""
    edits = list(found["series"])
    with _figure("growth", into, (4 * len(edits), 3.8), len(edits)) as (figure, axes):
        for axis, edit in zip(axes, edits, strict=True):
            for at, (name, line) in enumerate(found["series"][edit].items()):
                label = f"{name}: N^{line['exponent']}" if line["exponent"] is not None else name
                axis.loglog(line["targets"], line["cpu_s"], marker="o", label=label, color=_OURS if name.startswith("buildgraph") else _OTHERS[at % len(_OTHERS)])
            axis.set_title(edit, fontsize=10)
            axis.set_xlabel("targets")
            axis.legend(fontsize=7, frameon=False)
            axis.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel("CPU seconds")
        figure.suptitle("growth with the number of targets", fontsize=12, fontweight="bold")
        figure.tight_layout()
