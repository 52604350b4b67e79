"""The promise of the whole thing: whatever happens to a workspace, an incremental build equals a clean one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from buildgraph import fingerprint
from buildgraph.execution.outputs import OutputFolder
from buildgraph.execution.sources import Sources
from buildgraph.scheduler import staleness
from buildgraph.scheduler.staleness import Judge

SHARES = 4  # so that parallel test runners can share the work
EXAMPLES = 110  # of each share
RELAXED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture)
WITHOUT_EXPLANATION = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)  # explaining costs minutes here


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_an_incremental_build_equals_a_clean_one(world, share):
    """After every edit and accident: the outputs are those of a clean build, and a second build runs nothing."""

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=RELAXED, phases=WITHOUT_EXPLANATION)
    @given(world.models(), world.scripts())
    def holds(model, script):
        world.live(model, script)

    holds()


@pytest.mark.slow
def test_an_incremental_build_by_the_pool_equals_a_clean_one(world):
    @settings(max_examples=25, deadline=None, suppress_health_check=RELAXED, phases=WITHOUT_EXPLANATION)
    @given(world.models(), world.scripts(most=2))
    def holds(model, script):
        world.live(model, script, runner="pool")

    holds()


@pytest.mark.slow
def test_a_parallel_build_equals_a_serial_one(world):
    """Two workers, one worker and no worker find the same keys and write the same bytes."""

    @settings(max_examples=40, deadline=None, suppress_health_check=RELAXED, phases=WITHOUT_EXPLANATION)
    @given(world.models(most=8))
    def holds(model):
        found = {}
        for runner, jobs in (("inline", 1), ("pool", 1), ("pool", 2)):
            with world.life(model, runner=runner, jobs=jobs) as it:
                built = it.workspace.build(keep_going=True)
                keys = {event.target: event.key for event in built.heard.events if hasattr(event, "cpu")}
                found[runner, jobs] = (keys, sorted(built.report.errors), it.workspace.outputs(sorted(built.report.outputs)))
        assert found["inline", 1] == found["pool", 1] == found["pool", 2]

    holds()


# The property has to fail when the engine is wrong. Each of these breaks one thing that the property must notice.


def without_field(name: str) -> Any:
    """A walk over an action that forgets one field."""
    described = fingerprint.describe

    def describe(action: Any, inputs: Any = None) -> Any:
        return ((field, value) for field, value in described(action, inputs) if field != name)

    return describe


def forget_config(monkeypatch):
    monkeypatch.setattr(fingerprint, "describe", without_field("config"))


def forget_code(monkeypatch):
    monkeypatch.setattr(fingerprint, "describe", without_field("code"))


def forget_inputs(monkeypatch):
    monkeypatch.setattr(fingerprint, "describe", without_field("inputs"))


def forget_which_input_feeds_which_parameter(monkeypatch):
    def inputs_of(needs, outputs):
        return tuple(sorted(("", outputs[parent].codec, outputs[parent].digest) for _, parent in needs))

    monkeypatch.setattr(staleness, "inputs_of", inputs_of)
    monkeypatch.setattr("buildgraph.scheduler.loop.inputs_of", inputs_of)
    monkeypatch.setattr(Judge, "request_key", lambda self, requested: None)
    monkeypatch.setattr(Judge, "_deep_hit", lambda self, label: None)


def believe_in_size_and_name(monkeypatch):
    """Two sources of one size are taken for the same."""
    look = Sources.digest

    def digest(self, path):
        found, size, executable = look(self, path)
        return (type(found)(size.to_bytes(32, "big")) if path.startswith("data/") else found), size, executable

    monkeypatch.setattr(Sources, "digest", digest)


def believe_that_outputs_stay(monkeypatch):
    monkeypatch.setattr(OutputFolder, "_as_left", lambda self, full, stamp: True)
    monkeypatch.setattr(OutputFolder, "_folder_stamps", lambda self, place, folders: [])


def run_everything_always(monkeypatch):
    monkeypatch.setattr(Judge, "_known", lambda self, key: None)


SABOTAGES = {  # what is broken, and what has to happen for it to matter
    forget_config: "edit_config",
    forget_code: "edit_helper",
    forget_inputs: "change_source",
    forget_which_input_feeds_which_parameter: "swap_sources",
    believe_in_size_and_name: "change_source_and_hide_it",
    believe_that_outputs_stay: "edit_output",
    run_everything_always: "edit_comments",
}


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.__name__)
def test_the_property_notices_when_builds(world, monkeypatch, sabotage):
    """The property fails as soon as the engine is broken in one place."""

    @settings(
        max_examples=100, deadline=None, database=None, suppress_health_check=RELAXED, phases=[Phase.generate], derandomize=True,
        report_multiple_bugs=False,
    )  # fmt: skip
    @given(world.models(most=2), world.scripts(of=[getattr(world.Life, SABOTAGES[sabotage])]), st.integers(0, 2))
    def holds(model, script, salt):
        left, right = (world.Target("mix", (source,), salt) for source in ("s0", "s1"))
        both = world.Target("mix", ("left", "right"), salt)
        world.live(replace(model, targets={**model.targets, "left": left, "right": right, "both": both}), script)

    sabotage(monkeypatch)
    with pytest.raises(AssertionError):
        holds()
