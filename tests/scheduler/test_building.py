"""What runs, what does not, and why: whole builds in this process."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import ClassVar

import pytest

from buildgraph.action import ActionResult
from buildgraph.events import InputsChanged, ResultLost, TargetRetried
from buildgraph.scheduler.staleness import Judge
from buildgraph.store import LocalStore

WORDS, PARITY, REPORT = "//:words", "//:parity", "//:report"


@pytest.fixture
def counted(monkeypatch):
    """Counts what a build asks the store for, by method."""
    counts: dict[str, int] = {}

    class Counting:
        def __init__(self, store):
            self._store = store

        @classmethod
        def open(cls, *args, **kwargs):
            return cls(LocalStore.open(*args, **kwargs))

        def __getattr__(self, name):
            counts[name] = counts.get(name, 0) + 1
            return getattr(self._store, name)

    monkeypatch.setattr("buildgraph.session.LocalStore", Counting)
    return counts


@contextmanager
def shallow_stack(limit=300):
    """Recursion over the nodes of a large graph cannot work in here."""
    before = sys.getrecursionlimit()
    depth = 0
    frame = sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + limit)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class TestWhatRuns:
    def test_everything_runs_once_then_nothing(self, chain):
        assert chain.build().ran == [WORDS, PARITY, REPORT]
        second = chain.build()
        assert second.ran == []
        assert set(second.heard.statuses.values()) == {"up_to_date"}
        assert (second.report.targets, second.report.up_to_date) == (3, 3)

    def test_only_what_is_asked_for_and_its_ancestors_run(self, chain):
        assert chain.build("//:parity").ran == [WORDS, PARITY]

    def test_a_parent_with_unchanged_output_leaves_its_children_fresh(self, chain):
        chain.build()
        chain.write({"text.txt": "three two one"})
        built = chain.build()
        assert built.ran == [WORDS, PARITY]
        assert built.heard.statuses == {WORDS: "built", PARITY: "built", REPORT: "cut_off"}
        assert built.report.cut_off == 1

    def test_a_comment_runs_nothing(self, chain):
        chain.build()
        chain.write({"steps.py": "# a comment\n" + chain.read("steps.py"), "helpers.py": '"""Doc."""\n' + chain.read("helpers.py")})
        assert chain.build().ran == []

    def test_a_helper_that_a_module_imports_runs_all_its_users(self, chain):
        chain.build()
        chain.edit("helpers.py", ">=", ">")
        assert set(chain.build().ran) >= {WORDS}

    def test_reverting_an_edit_runs_nothing(self, chain):
        chain.build()
        chain.write({"text.txt": "four"})
        chain.build()
        chain.write({"text.txt": "one two three"})
        again = chain.build()
        assert again.ran == []
        assert again.report.hit_local > 0

    def test_an_edit_of_code_is_seen_by_the_next_build_of_the_same_process(self, chain):
        chain.build()
        chain.edit("steps.py", "the number is", "the count is")
        chain.build()
        assert "the count is" in chain.output(REPORT, "value.txt").read_text()

    def test_two_workspaces_with_modules_of_one_name_do_not_mix_them_up(self, make):
        first = make({"BUILD.py": "python('a', fn='lib:f')", "lib.py": "def f():\n    return 1\n"}, name="first")
        second = make({"BUILD.py": "python('a', fn='lib:f')", "lib.py": "def f():\n    return 2\n"}, name="second")
        first.build()
        second.build()
        assert (first.output("//:a").read_text().strip(), second.output("//:a").read_text().strip()) == ("1", "2")
        assert "lib" not in sys.modules

    def test_another_checkout_with_the_same_store_runs_nothing(self, chain, tmp_path):
        chain.build()
        elsewhere = chain.copy(tmp_path / "a" / "b" / "elsewhere", chain.store)
        built = elsewhere.build()
        assert built.ran == []
        assert built.report.hit_local == 3
        assert elsewhere.output(REPORT, "value.txt").read_text() == chain.output(REPORT, "value.txt").read_text()

    def test_forcing_runs_what_it_names_and_cuts_off_the_rest(self, chain):
        chain.build()
        built = chain.build(force=["//:words"])
        assert built.ran == [WORDS]
        assert built.heard.reasons == {WORDS: "forced"}
        assert built.heard.statuses[PARITY] == "cut_off"

    def test_forcing_everything_runs_everything(self, chain):
        chain.build()
        assert chain.build(force=True).ran == [WORDS, PARITY, REPORT]

    def test_a_dry_run_runs_and_writes_nothing(self, chain):
        built = chain.build(dry_run=True)
        assert built.ran == []
        assert built.heard.reasons == {WORDS: "never built here"}
        assert not (chain.root / "build").exists()
        assert chain.build().ran == [WORDS, PARITY, REPORT]

    def test_status_says_stale_and_undetermined(self, chain):
        chain.build()
        assert {each.state for each in chain.status().values()} == {"up_to_date"}
        chain.write({"text.txt": "x"})
        found = chain.status()
        assert found[WORDS].state == "stale"
        assert found[PARITY].state == found[REPORT].state == "undetermined"


class TestReasons:
    """Why a target is stale, in the words that people read."""

    def reason(self, workspace, label=WORDS):
        return workspace.build().heard.reasons[label]

    def test_never_built(self, chain):
        assert self.reason(chain) == "never built here"

    def test_a_source_changed(self, chain):
        chain.build()
        chain.write({"text.txt": "other"})
        assert self.reason(chain).startswith("inputs.text changed: tree ")

    def test_a_parent_came_out_differently(self, chain):
        chain.build()
        chain.write({"text.txt": "one two"})
        assert self.reason(chain, PARITY).startswith("inputs.words changed: msgpack ")

    def test_the_config_changed(self, chain):
        chain.build()
        chain.edit("BUILD.py", '"least": 1', '"least": 4')
        assert self.reason(chain) == "config.least changed: 1 -> 4"

    def test_an_entry_of_the_config_came_and_another_went(self, chain):
        chain.build()
        chain.edit("BUILD.py", '"least": 1', '"most": 4')
        chain.edit("steps.py", "def words(text: str, least):", "def words(text: str, most, least=1):")
        reason = self.reason(chain)
        assert "config.least changed: 1 -> absent" in reason
        assert "config.most changed: absent -> 4" in reason

    def test_the_code_changed(self, chain):
        chain.build()
        chain.edit("steps.py", "len(words) % 2", "len(words) % 3")
        assert self.reason(chain, PARITY).startswith("code.definitions.steps.parity changed: ")

    def test_code_that_is_imported_changed(self, chain):
        chain.build()
        chain.edit("helpers.py", ">=", ">")
        assert "code.definitions.helpers.is_long changed: " in self.reason(chain)

    def test_a_variable_changed(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='echo $$WHO > $(out)', outs=['o'], env_inherit=['WHO'])"})
        workspace.environment = {"WHO": "ada"}
        workspace.build()
        workspace.environment = {"WHO": "grace"}
        assert self.reason(workspace, "//:c") == "environment.WHO changed: ada -> grace"

    def test_the_result_was_lost(self, chain):
        chain.build()
        with chain.workspace().open("forget") as session:
            prepared = session.prepare(session.load([]))
            key = prepared.scene.judge.before(WORDS).key
            session.store.forget_result(key)
        assert chain.build("//:words", deep_keys=False).heard.reasons == {WORDS: "its result is no longer in the store"}

    def test_it_is_never_cached(self, make):
        workspace = make({"BUILD.py": "python('n', fn='m:f', cacheable=False)", "m.py": "def f():\n    return 1\n"})
        assert self.reason(workspace, "//:n") == "never cached (cacheable=False)"


class TestFailures:
    FILES: ClassVar = {
        "BUILD.py": """
python("bad", fn="m:bad")
python("child", fn="m:child", needs={"x": ":bad"})
python("apart", fn="m:apart")
""",
        "m.py": """
def bad():
    raise ValueError("no")

def child(x):
    return x

def apart():
    return 1
""",
    }

    def test_the_first_failure_ends_the_build(self, make):
        workspace = make(self.FILES)
        built = workspace.build()
        assert built.heard.statuses == {"//:bad": "failed", "//:child": "skipped", "//:apart": "skipped"}
        assert (built.report.failed, built.report.skipped) == (1, 2)
        assert "target '//:bad' raised ValueError: no" in built.error("//:bad")

    def test_keep_going_skips_only_what_needs_the_failed_one(self, make):
        built = make(self.FILES).build(keep_going=True)
        assert built.heard.statuses == {"//:bad": "failed", "//:child": "skipped", "//:apart": "built"}

    def test_a_failure_is_never_recorded(self, make):
        workspace = make(self.FILES)
        workspace.build()
        workspace.edit("m.py", 'raise ValueError("no")', "return 2")
        assert workspace.build().ok
        workspace.edit("m.py", "return 2", 'raise ValueError("no")')
        for _ in range(2):
            assert workspace.build().heard.statuses["//:bad"] == "failed"

    def test_a_failing_action_is_retried_as_often_as_its_target_allows(self, make, tmp_path):
        code = """
from pathlib import Path
def flaky(counter):
    path = Path(counter)
    runs = int(path.read_text()) + 1
    path.write_text(str(runs))
    if runs < 3:
        raise OSError("try again")
    return runs
"""
        (tmp_path / "runs").write_text("0")
        declared = f"python('flaky', fn='m:flaky', config={{'counter': {str(tmp_path / 'runs')!r}}}, retries=%d)"
        workspace = make({"BUILD.py": declared % 1, "m.py": code})
        built = workspace.build()
        assert built.heard.statuses == {"//:flaky": "failed"}
        assert len(built.heard.of(TargetRetried)) == 1
        (tmp_path / "runs").write_text("0")
        workspace.edit("BUILD.py", "retries=1", "retries=2")
        built = workspace.build()
        assert built.ok
        assert [event.target for event in built.heard.of(TargetRetried)] == ["//:flaky"] * 2
        assert workspace.build().ran == []

    def test_an_uncacheable_target_runs_each_time_and_its_children_do_not(self, make):
        workspace = make(
            {
                "BUILD.py": "python('now', fn='m:now', cacheable=False)\npython('child', fn='m:child', needs={'now': ':now'})",
                "m.py": "def now():\n    return 1\n\ndef child(now):\n    return now\n",
            }
        )
        assert workspace.build().ran == ["//:now", "//:child"]
        second = workspace.build()
        assert second.ran == ["//:now"]
        assert second.heard.statuses["//:child"] == "cut_off"

    def test_an_uncacheable_target_with_another_result_wakes_its_children(self, make, tmp_path):
        (tmp_path / "clock").write_text("1")
        workspace = make(
            {
                "BUILD.py": f"""
python('now', fn='m:now', config={{'clock': {str(tmp_path / "clock")!r}}}, cacheable=False)
python('child', fn='m:child', needs={{'now': ':now'}})
""",
                "m.py": "def now(clock):\n    return open(clock).read()\n\ndef child(now):\n    return now * 2\n",
            }
        )
        workspace.build()
        (tmp_path / "clock").write_text("2")
        assert workspace.build().ran == ["//:now", "//:child"]
        assert workspace.output("//:child", "value.txt").read_text() == "22"


class TestInputNodes:
    def test_input_components_run_on_every_build_and_nothing_else_does(self, make, tmp_path):
        """The consumer is poisoned after the first build: it is not what answers in the second."""
        workspace = make(
            {
                "BUILD.py": f"""
component('importer', uses='parts:Importer', config={{'log': {str(tmp_path / "log")!r}}}, is_input=True)
component('train', uses='parts:Train', needs={{'data': ':importer'}}, config={{'poison': {str(tmp_path / "poison")!r}}})
""",
                "parts.py": """
import os
from buildgraph.component import GraphComponent

class Importer(GraphComponent):
    def __init__(self, config):
        self.log = config["log"]

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(config)

    def run(self):
        with open(self.log, "a") as file:
            file.write("ran ")
        return ["a", "b"]

class Train(Importer):
    def __init__(self, config):
        self.poison = config["poison"]

    def run(self, data):
        assert not os.path.exists(self.poison), "poisoned"
        return len(data)
""",
            }
        )
        assert workspace.build().ran == ["//:train"]
        (tmp_path / "poison").touch()
        assert workspace.build().ran == []
        assert (tmp_path / "log").read_text() == "ran ran "
        workspace.edit("parts.py", 'return ["a", "b"]', 'return ["a"]')
        built = workspace.build()
        assert "poisoned" in built.error("//:train")

    def test_an_input_component_that_fails_fails_what_needs_it(self, make):
        workspace = make(
            {
                "BUILD.py": """
component('importer', uses='parts:Importer', is_input=True)
python('user', fn='parts:use', needs={'x': ':importer'})
python('apart', fn='parts:apart')
""",
                "parts.py": """
from buildgraph.component import GraphComponent

class Importer(GraphComponent):
    def run(self):
        raise RuntimeError("the file is gone")

def use(x):
    return x

def apart():
    return 1
""",
            }
        )
        built = workspace.build(keep_going=True)
        assert "the file is gone" in built.error("//:importer")
        assert built.heard.statuses["//:user"] == "skipped"
        assert built.heard.statuses["//:apart"] == "built"


class TestInputsThatChangeMeanwhile:
    """A result is recorded only for the inputs that were there from the first to the last moment."""

    def records(self, monkeypatch):
        kept = []
        record = LocalStore.record

        def recorded(self, key, result: ActionResult):
            kept.append(key)
            record(self, key, result)

        monkeypatch.setattr(LocalStore, "record", recorded)
        return kept

    def test_a_function_that_always_rewrites_its_input_fails_and_nothing_is_recorded(self, make, monkeypatch):
        kept = self.records(monkeypatch)
        workspace = make(
            {
                "BUILD.py": "python('x', fn='m:rewrite', needs={'path': 'data.txt'})",
                "m.py": "def rewrite(path):\n    text = path.read_text()\n    path.write_text(text + 'x')\n    return text\n",
                "data.txt": "",
            }
        )
        with pytest.raises(Exception, match="keeps changing while it is used") as caught:
            workspace.build()
        assert caught.value.code == "BG062"
        assert workspace.read("data.txt") == "xxx"
        assert kept == []

    def test_an_input_that_settles_down_is_built_from_its_last_state(self, make, monkeypatch):
        kept = self.records(monkeypatch)
        workspace = make(
            {
                "BUILD.py": "python('x', fn='m:settle', needs={'path': 'data.txt'})",
                "m.py": """
def settle(path):
    text = path.read_text()
    if text == "first":
        path.write_text("final")
    return text
""",
                "data.txt": "first",
            }
        )
        built = workspace.build()
        assert built.ok
        assert [event.paths for event in built.heard.of(InputsChanged)] == [("data.txt",)]
        assert workspace.output("//:x", "value.txt").read_text() == "final"
        assert len(kept) == 1
        assert workspace.build().ran == []

    def test_an_action_that_edits_its_own_code_is_not_recorded_under_the_old_code(self, make, monkeypatch):
        kept = self.records(monkeypatch)
        workspace = make(
            {
                "BUILD.py": "python('x', fn='m:grow')",
                "m.py": """
ROUND = 1

def grow():
    with open(__file__) as file:
        text = file.read()
    if ROUND == 1:
        with open(__file__, "w") as file:
            file.write(text.replace("1", "2", 1))
    return ROUND
""",
            }
        )
        before = workspace.read("m.py")
        built = workspace.build()
        assert built.ok
        assert [event.paths for event in built.heard.of(InputsChanged)] == [("m.py",)]
        assert workspace.output("//:x").read_text().strip() == "2"
        assert len(kept) == 1
        assert workspace.read("m.py").startswith("\nROUND = 2")
        workspace.write({"m.py": before})
        workspace.build()
        assert workspace.output("//:x").read_text().strip() == "2"

    def test_a_parents_output_that_a_child_spoils_is_restored_and_the_child_is_not_recorded(self, make, monkeypatch):
        kept = self.records(monkeypatch)
        workspace = make(
            {
                "BUILD.py": """
python('parent', fn='m:parent', outs=['data.txt'])
python('child', fn='m:spoil', needs={'path': ':parent'})
""",
                "m.py": """
def parent(out_dir):
    (out_dir / "data.txt").write_text("good")

def spoil(path):
    text = path.read_text()
    path.write_text("bad")
    return text
""",
            }
        )
        with pytest.raises(Exception, match="keeps changing"):
            workspace.build()
        assert len(kept) == 1, "only the parent has a result"
        assert workspace.build("//:parent").ok
        assert workspace.output("//:parent", "data.txt").read_text() == "good"


class TestLostBlobs:
    def lose(self, workspace, label, damage=False):
        from buildgraph.answers import show

        with workspace.workspace().open("lose") as session:
            digest = show(session, label).result.value.blob
            file = session.store.path(digest)
            if damage:
                assert file is not None
                with open(file, "rb") as blob:
                    content = blob.read()
                import os

                os.chmod(file, 0o644)
                with open(file, "wb") as blob:
                    blob.write(b"?" + content[1:])
            else:
                session.store.forget(digest)

    def test_a_lost_blob_is_made_again_in_the_same_build(self, chain):
        chain.build()
        self.lose(chain, WORDS)
        chain.remove("build")
        built = chain.build()
        assert built.ok
        assert built.ran == [WORDS]
        assert "one" in chain.output(WORDS).read_text()

    def test_a_blob_that_turns_out_to_be_damaged_is_made_again_in_the_same_build(self, make):
        workspace = make(
            {
                "BUILD.py": "python('big', fn='m:big')\npython('small', fn='m:small', needs={'big': ':big'}, config={'n': 1})",
                "m.py": "def big():\n    return 'large' * 30_000\n\ndef small(big, n):\n    return big[:5] * n\n",
            }
        )
        workspace.build()
        self.lose(workspace, "//:big", damage=True)
        workspace.remove("build")
        built = workspace.build()
        assert built.ok
        assert "//:big" in built.ran
        assert built.heard.of(ResultLost)
        assert workspace.output("//:big", "value.txt").read_text() == "large" * 30_000

    def test_a_damaged_input_of_an_action_is_made_again_before_the_action_runs(self, make):
        workspace = make(
            {
                "BUILD.py": "python('big', fn='m:big')\npython('small', fn='m:small', needs={'big': ':big'}, config={'n': 1})",
                "m.py": "def big():\n    return 'large' * 30_000\n\ndef small(big, n):\n    return big[:5] * n\n",
            }
        )
        workspace.build()
        self.lose(workspace, "//:big", damage=True)
        workspace.edit("BUILD.py", "{'n': 1}", "{'n': 2}")
        built = workspace.build("//:small")
        assert built.ok, built.report.errors and built.error("//:small")
        assert workspace.output("//:small", "value.txt").read_text() == "largelarge"


class TestLargeGraphs:
    TINY = "def start():\n    return 0\n\ndef add(side=0, **values):\n    return max(values.values()) + 1\n"

    @pytest.mark.slow
    def test_a_chain_of_ten_thousand_targets(self, make):
        workspace = make(
            {
                "BUILD.py": """
previous = python("n0", fn="tiny:start")
for number in range(1, 10_000):
    previous = python(f"n{number}", fn="tiny:add", needs={"before": previous})
""",
                "tiny.py": self.TINY,
            }
        )
        with shallow_stack():
            assert len(workspace.build("//:n9999").ran) == 10_000
            assert workspace.output("//:n9999").read_text().strip() == "9999"
            assert workspace.build("//:n9999").report.up_to_date == 10_000
            workspace.edit("tiny.py", "return 0", "return 1")
            states = [each.state for each in workspace.status("//:n9999").values()]
            assert (states.count("stale"), states.count("undetermined")) == (1, 9_999)

    def test_a_diamond_of_two_hundred_layers(self, make):
        """It has 2**200 paths from top to bottom: who walks paths never comes back."""
        workspace = make(
            {
                "BUILD.py": """
row = [python("top", fn="tiny:start")]
for layer in range(200):
    needs = {f"p{number}": label for number, label in enumerate(row)}
    row = [python(f"l{layer}{side}", fn="tiny:add", needs=needs, config={"side": side}) for side in (0, 1)]
python("bottom", fn="tiny:add", needs={"a": row[0], "b": row[1]})
""",
                "tiny.py": self.TINY,
            }
        )
        with shallow_stack():
            assert len(workspace.build("//:bottom").ran) == 402
            assert workspace.output("//:bottom").read_text().strip() == "201"
            assert workspace.build("//:bottom").report.up_to_date == 402


class TestDeepKeys:
    def wide(self, make):
        return make(
            {
                "BUILD.py": """
for number in range(100):
    python(f"leaf{number}", fn="m:leaf", config={"n": number})
    python(f"mid{number}", fn="m:mid", needs={"leaf": f":leaf{number}"})
""",
                "m.py": "def leaf(n):\n    return n\n\ndef mid(leaf):\n    return leaf + 1\n",
            }
        )

    def test_one_look_up_settles_the_whole_requested_set(self, make, counted, tmp_path):
        workspace = self.wide(make)
        workspace.build("//...")
        elsewhere = workspace.copy(tmp_path / "elsewhere", workspace.store)
        counted.clear()
        built = elsewhere.build("//...")
        assert built.ran == []
        assert counted["deep"] == 1

    def test_one_target_at_the_top_settles_its_ancestors(self, chain, counted, tmp_path):
        chain.build("//:report")
        elsewhere = chain.copy(tmp_path / "elsewhere", chain.store)
        counted.clear()
        built = elsewhere.build("//:report")
        assert (built.ran, built.report.hit_local) == ([], 3)
        assert (counted["deep"], counted["result"]) == (1, 1)

    def test_another_set_of_targets_is_found_target_by_target(self, make, counted, tmp_path):
        workspace = self.wide(make)
        workspace.build("//...")
        elsewhere = workspace.copy(tmp_path / "elsewhere", workspace.store)
        counted.clear()
        assert elsewhere.build("//:mid1", "//:mid2").ran == []
        assert counted["deep"] == 3

    def test_without_deep_keys_every_target_is_judged_by_its_own(self, chain, counted):
        chain.build()
        counted.clear()
        assert chain.build(deep_keys=False).ran == []
        assert "deep" not in counted or counted["deep"] <= 4  # they are still written
        assert counted["result"] == 3

    def test_a_deep_key_sees_every_ancestor(self, chain):
        chain.build()
        chain.write({"text.txt": "a b c d"})
        assert REPORT in chain.build("//:report").ran

    def test_what_stands_below_an_uncacheable_target_has_no_deep_key(self, make, counted):
        workspace = make(
            {
                "BUILD.py": "python('now', fn='m:now', cacheable=False)\npython('child', fn='m:child', needs={'now': ':now'})",
                "m.py": "def now():\n    return 1\n\ndef child(now):\n    return now\n",
            }
        )
        workspace.build()
        assert counted.get("record_deep", 0) == 0

    def test_a_judge_that_believes_too_much_is_found_out(self, chain, monkeypatch):
        """The tests above can fail: with deep keys that ignore the sources, a stale report is served."""
        chain.build()
        monkeypatch.setattr(Judge, "_deep_of", lambda self, parent: ("deep", bytes(32)))
        chain.build(force=True)
        chain.write({"text.txt": "a b c d"})
        assert chain.build("//:report").ran == []
