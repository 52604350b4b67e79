"""The promise of a trainer: whatever is edited, training on with what is known gives the same bytes as starting afresh."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from buildgraph import fingerprint
from buildgraph.errors import BuildgraphError
from buildgraph.trainer.cache import LocalTrainingCache
from buildgraph.trainer.runner import InlineRunner, ProcessPoolRunner

LAYERED = '''"""Components of layered graphs: values and resources."""

from parts import Base, Resource

from shade import TINT


class Mix(Base):
    """A small number of its parents', so that different inputs often come to the same."""

    def run(self, **parents):
        return (sum(value(self, each) for each in parents.values()) * self.config.get("factor", 1) + self.config["salt"] + TINT) % 3

    def learn(self, **parents):
        with self.storage.write_to(self.resource) as folder:
            for name in range(1 + self.config["salt"] % 2):
                (folder / f"{name}.txt").write_text(str(Mix.run(self, **parents)))
        return self.resource

    def fussy(self, **parents):
        if sum(value(self, each) for each in parents.values()) % 4 == 3:
            raise ValueError("three is too much")
        return len(parents) + self.config["salt"] % 2


def value(self, given):
    if not isinstance(given, Resource):
        return given
    with self.storage.read_from(given) as folder:
        return sum(int(path.read_text()) for path in sorted(folder.iterdir()))
'''
METHODS = ("run", "run", "learn", "fussy")


@st.composite
def graphs(draw) -> list[list[dict[str, Any]]]:
    """Layers of nodes; each needs one to three of the layer before, the first one needs files."""
    widths = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    layers = []
    for number, width in enumerate(widths):
        above = widths[number - 1] if number else 2
        layers.append([draw(nodes(above)) for _ in range(width)])
    return layers


def nodes(above: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "fn": st.sampled_from(METHODS), "salt": st.integers(0, 3), "parents": st.lists(st.integers(0, above - 1), min_size=1, max_size=3, unique=True),
            "target": st.booleans(), "cacheable": st.sampled_from([True, True, True, False]),
        }
    )  # fmt: skip


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("file"), st.integers(0, 1), st.integers(0, 4)),
        st.tuples(st.just("salt"), st.integers(0, 11), st.integers(0, 3)),
        st.tuples(st.just("fn"), st.integers(0, 11), st.sampled_from(METHODS)),
        st.tuples(st.just("target"), st.integers(0, 11), st.booleans()),
        st.tuples(st.just("code"), st.integers(0, 3), st.none()),
        st.tuples(st.just("nothing"), st.none(), st.none()),
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip


def schema_of(lab, layers) -> dict[str, Any]:
    from buildgraph.schema import Policy

    found = {f"file{number}": lab.reader(f"file{number}.txt") for number in range(2)}
    for depth, layer in enumerate(layers):
        for place, each in enumerate(layer):
            needs = {f"p{parent}": f"n{depth - 1}_{parent}" if depth else f"file{parent}" for parent in each["parents"]}
            last = depth == len(layers) - 1 and place == 0
            found[f"n{depth}_{place}"] = lab.node(
                "layered.Mix", needs, fn=each["fn"], config={"salt": each["salt"]}, is_target=each["target"] or last, policy=Policy(cacheable=each["cacheable"])
            )
    return found


def apply(lab, layers, edit) -> None:
    kind, which, new = edit
    flat = [each for layer in layers for each in layer]
    if kind == "file":
        lab.number(new, f"file{which}.txt")
    elif kind == "code":
        lab.write("shade.py", f"TINT = {which}\n")
    elif kind != "nothing":
        flat[which % len(flat)][kind] = new


def trained(lab, schema, cache, name: str, **options) -> tuple[bytes | str, list[str]]:
    """The archive, or what went wrong."""
    try:
        return lab.train(schema, cache=cache, archive=name, **options).archive.read_bytes(), lab.heard.ran
    except BuildgraphError as error:
        return error.headline, lab.heard.ran


def holds(lab, examples: int, shrink: bool = True) -> None:
    lab.write("layered.py", LAYERED)

    @settings(
        max_examples=examples, deadline=None, report_multiple_bugs=False, suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
        phases=(Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if shrink else [])),
    )  # fmt: skip
    @given(graphs(), EDITS)
    def live(layers, edits):
        layers = [[dict(each) for each in layer] for layer in layers]
        for folder in ("known", "clean"):
            shutil.rmtree(lab.folder / folder, ignore_errors=True)
        lab.write("shade.py", "TINT = 0\n")
        for number in range(2):
            lab.number(number, f"file{number}.txt")
        known = LocalTrainingCache(lab.folder / "known")
        for edit in [("nothing", None, None), *edits]:
            apply(lab, layers, edit)
            schema = schema_of(lab, layers)
            incremental, _ = trained(lab, schema, known, "incremental.tar.gz")
            clean, _ = trained(lab, schema, LocalTrainingCache(lab.folder / "clean"), "clean.tar.gz", force=True)
            if isinstance(clean, bytes) or isinstance(incremental, bytes):
                assert incremental == clean
                again, ran = trained(lab, schema, known, "again.tar.gz")
                assert again == clean
                assert all(not schema[name].policy.cacheable for name in ran)
            shutil.rmtree(lab.folder / "clean", ignore_errors=True)
            shutil.rmtree(lab.folder / "storages", ignore_errors=True)

    live()


@pytest.mark.parametrize(("runner", "examples"), [(InlineRunner, 12), (ProcessPoolRunner, 3)], ids=["inline", "pool"])
def test_training_on_equals_training_afresh(make_lab, runner, examples):
    lab = make_lab(runner)
    lab.use()
    holds(lab, examples)


def test_the_property_notices_a_fingerprint_that_forgets(make_lab, monkeypatch):
    """Without a node's config in its fingerprint, a stale model comes out, and that is found."""
    described = fingerprint.describe
    monkeypatch.setattr(fingerprint, "describe", lambda action, inputs=None: ((field, value) for field, value in described(action, inputs) if field != "config"))
    lab = make_lab(InlineRunner)
    lab.use()
    with pytest.raises(AssertionError):
        holds(lab, 100, shrink=False)
