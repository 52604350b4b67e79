"""The plan is a pure state machine: names in, names out, and it needs nothing else to exist."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.scheduler.plan import OVER, Plan, State

DIAMOND = {"top": [], "left": ["top"], "right": ["top"], "bottom": ["left", "right"], "apart": []}


@pytest.fixture
def nothing_outside(monkeypatch):
    """Any use of files, sockets or processes fails the test."""

    def poisoned(*_args, **_kwargs):
        raise AssertionError("the plan reached out of its box")

    for module, name in ((os, "open"), (os, "stat"), (os, "listdir"), (socket, "socket"), (subprocess, "Popen")):
        monkeypatch.setattr(module, name, poisoned)
    monkeypatch.setattr("builtins.open", poisoned)


def take_all(plan):
    taken = []
    while plan.has_ready:
        taken.append(plan.take())
    return taken


def test_a_target_is_ready_when_all_its_parents_are_settled(nothing_outside):
    plan = Plan(DIAMOND)
    assert take_all(plan) == ["top", "apart"]
    plan.settle("top", State.BUILT)
    assert take_all(plan) == ["left", "right"]
    plan.settle("left", State.FRESH)
    assert not plan.has_ready
    plan.settle("right", State.BUILT)
    assert take_all(plan) == ["bottom"]
    plan.settle("bottom", State.BUILT)
    assert not plan.done
    plan.settle("apart", State.BUILT)
    assert plan.done


def test_what_needs_a_failed_target_is_skipped_and_nothing_else(nothing_outside):
    plan = Plan(DIAMOND)
    take_all(plan)
    assert sorted(plan.fail("top")) == ["bottom", "left", "right"]
    assert plan.state("apart") is State.RUNNING
    plan.settle("apart", State.BUILT)
    assert plan.done


def test_a_late_success_does_not_wake_what_was_skipped(nothing_outside):
    plan = Plan({"bad": [], "good": [], "both": ["bad", "good"]})
    take_all(plan)
    plan.fail("bad")
    plan.settle("good", State.BUILT)
    assert plan.state("both") is State.SKIPPED
    assert not plan.has_ready
    assert plan.done


def test_abandoning_skips_what_has_not_started(nothing_outside):
    plan = Plan(DIAMOND)
    plan.take()
    assert sorted(plan.abandon()) == ["apart", "bottom", "left", "right"]
    plan.settle("top", State.BUILT)
    assert plan.done


def test_parents_from_outside_count_as_settled(nothing_outside):
    assert take_all(Plan({"target": ["source"]})) == ["target"]


def test_a_parent_that_feeds_two_parameters_is_one_parent(nothing_outside):
    plan = Plan({"a": [], "b": ["a", "a"]})
    plan.take()
    plan.settle("a", State.BUILT)
    assert take_all(plan) == ["b"]


def test_what_is_over_stays_over(nothing_outside):
    plan = Plan({"a": []})
    plan.take()
    plan.settle("a", State.BUILT)
    with pytest.raises(AssertionError, match="over already"):
        plan.settle("a", State.BUILT)
    with pytest.raises(AssertionError, match="over already"):
        plan.fail("a")


def test_nothing_can_be_taken_when_nothing_is_ready(nothing_outside):
    with pytest.raises(IndexError):
        Plan({}).take()


@st.composite
def graphs(draw):
    """Random acyclic needs, and which targets fail."""
    count = draw(st.integers(0, 14))
    parents = {n: draw(st.sets(st.integers(0, n - 1), max_size=4)) if n else set() for n in range(count)}
    order = draw(st.permutations(range(count)))
    needs = {f"t{n}": [f"t{parent}" for parent in parents[n]] for n in order}
    return needs, {f"t{n}" for n in draw(st.sets(st.integers(0, 13), max_size=3))}


@given(graphs(), st.randoms(use_true_random=False))
def test_whatever_the_order_everything_is_over_once_and_after_its_parents(graph, random):
    needs, failing = graph
    plan, running, started, failed = Plan(needs), [], [], set()
    while not plan.done:
        while plan.has_ready:
            name = plan.take()
            assert all(plan.state(parent) in (State.FRESH, State.BUILT) for parent in needs[name])
            running.append(name)
            started.append(name)
        name = running.pop(random.randrange(len(running)))
        if name in failing:
            failed.add(name)
            plan.fail(name)
        else:
            plan.settle(name, random.choice((State.FRESH, State.BUILT)))
    below = set(failed)
    for _ in needs:
        below |= {name for name, parents in needs.items() if below & set(parents)}
    assert len(started) == len(set(started))
    assert all(plan.state(name) in OVER for name in needs)
    assert {name for name in needs if plan.state(name) is State.SKIPPED} == below - failed


@pytest.mark.parametrize("length", [10_000])
def test_a_long_chain_needs_no_recursion(nothing_outside, length):
    plan = Plan({f"n{i}": [f"n{i - 1}"] if i else [] for i in range(length)})
    for _ in range(length // 2):
        plan.settle(plan.take(), State.BUILT)
    assert len(plan.fail(plan.take())) == length - length // 2 - 1
    assert plan.done
