"""`command`: a program run on files."""

from __future__ import annotations

import os

import pytest

FILES = {"in/one.txt": "1\n", "in/two words.txt": "2\n", "in/it's.txt": "3\n"}


def built_text(workspace, label="//:c", name="out"):
    built = workspace.build()
    assert built.ok, built.error(label)
    return workspace.output(label, name).read_text()


class TestSubstitutions:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("cmd='cat $(in) > $(out)', srcs=['in/*.txt'], outs=['out']", "3\n1\n2\n"),
            ("argv=['sh', '-c', 'cat \"$$@\" > \"$$0\"', '$(out)', '$(in)'], srcs=['in/*.txt'], outs=['out']", "3\n1\n2\n"),
            ("cmd='echo $$HOME_IS_NOT_SET. > $(outdir)/out', outs=['out']", ".\n"),
            ("cmd='for o in $(outs); do basename $$o > $$o; done', outs=['out', 'zout']", "out\n"),
            ("cmd='cat $(location in/one.txt) > $(out)', deps=['in/one.txt'], outs=['out']", "1\n"),
            ("cmd='echo [$(in)] > $(out)', deps=['in/one.txt'], outs=['out']", "[]\n"),
            ("cmd='echo $$(expr 1 + 2) > $(out)', outs=['out']", "3\n"),
            ("cmd='pwd -P > $(out); test -f BUILD.py', outs=['out']", None),
            ("argv=['cp', '--', '$(in)', '$(out)'], srcs=['in/it\\'s.txt'], outs=['out']", "3\n"),
            ("argv=['tee', '$(outdir)/out'], outs=['out']", ""),
        ],
    )
    def test_they_stand_for_what_they_say(self, make, arguments, expected):
        workspace = make({**FILES, "BUILD.py": f"command('c', {arguments})"})
        found = built_text(workspace)
        assert found == (f"{os.path.realpath(workspace.root)}\n" if expected is None else expected)

    def test_the_location_of_a_label(self, make):
        workspace = make(
            {**FILES, "BUILD.py": "command('a', cmd='echo a > $(out)', outs=['a.txt'])\ncommand('c', cmd='cat $(location :a) > $(out)', deps=[':a'], outs=['out'])"}
        )
        assert built_text(workspace) == "a\n"

    def test_sources_mix_labels_paths_and_globs(self, make):
        workspace = make(
            {**FILES, "BUILD.py": "command('a', cmd='echo a > $(out)', outs=['a.txt'])\ncommand('c', cmd='cat $(in) > $(out)', srcs=[':a', 'in/one.txt', 'in/t*'], outs=['out'])"}
        )
        assert built_text(workspace) == "a\n1\n2\n"

    def test_a_value_is_a_file_for_a_command(self, make):
        workspace = make(
            {
                "BUILD.py": "python('v', fn='m:v')\ncommand('c', cmd='cat $(in) > $(out)', srcs=[':v'], outs=['out'])",
                "m.py": "def v():\n    return {'b': 1, 'a': [2.5, None]}\n",
            }
        )
        import json

        assert json.loads(built_text(workspace)) == {"a": [2.5, None], "b": 1}

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            ("cmd='x $(foo)', outs=['o']", "BG059"),
            ("cmd='x > $(out)', outs=['o', 'p']", "BG059"),
            ("cmd='x > $(out)', outs=[]", "BG059"),
            ("cmd='cat $(location in/one.txt)', outs=['o']", "BG059"),
            ("outs=['o']", "BG058"),
            ("cmd='true', argv=['true'], outs=['o']", "BG058"),
            ("argv=[], outs=['o']", "BG058"),
            ("cmd='true', outs=['../o']", "BG057"),
            ("cmd='true', outs=['/o']", "BG057"),
            ("cmd='true', outs=['o', 'o']", "BG057"),
            ("cmd='true', outs=['o/', 'o/p']", "BG057"),
        ],
    )
    def test_what_cannot_work_is_refused_when_it_is_declared(self, refused, arguments, code):
        error = refused(f"command('c', {arguments})", FILES)
        assert error.code == code
        assert "BUILD.py:2" in error.render()


class TestOutputs:
    def test_a_missing_output_fails_and_names_what_was_found_instead(self, make):
        message = make({"BUILD.py": "command('c', cmd='touch $(outdir)/b', outs=['a'])"}).build().error("//:c")
        assert "BG212" in message
        assert "missing: a" in message
        assert "found instead: b" in message

    def test_an_undeclared_output_fails(self, make):
        message = make({"BUILD.py": "command('c', cmd='touch $(outdir)/a $(outdir)/b', outs=['a'])"}).build().error("//:c")
        assert "BG213" in message
        assert "'b'" in message

    def test_a_folder_of_outputs_may_hold_anything_and_must_hold_something(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='cd $(outdir)/d && touch x y && mkdir e && touch e/z', outs=['d/'])"})
        assert workspace.build().report.outputs["//:c"] == ("build/c/d/e/z", "build/c/d/x", "build/c/d/y")
        workspace.edit("BUILD.py", "cd $(outdir)/d && touch x y && mkdir e && touch e/z", "true")
        assert "BG212" in workspace.build().error("//:c")

    def test_the_executable_bit_survives_a_restore(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='echo hi > $(out); chmod +x $(out)', outs=['tool'])"})
        workspace.build()
        workspace.remove("build")
        assert workspace.build().ran == []
        assert os.access(workspace.output("//:c", "tool"), os.X_OK)

    def test_a_failing_command_shows_status_and_line_and_keeps_what_it_printed(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='echo the reason; exit 3', outs=['a'])"}, runner="pool")
        built = workspace.build()
        assert "BG218" in built.error("//:c")
        assert "status 3" in built.error("//:c")
        assert (workspace.root / ".buildgraph/logs/c.log").read_text() == "the reason\n"


class TestEnvironment:
    def test_it_is_fixed_but_for_what_is_declared(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='env | sort > $(out)', outs=['out'], env={'MINE': 'yes'})"})
        workspace.environment = {"SECRET": "x", "PATH": "/nowhere", "LANG": "de_DE"}
        names = {line.partition("=")[0]: line.partition("=")[2] for line in built_text(workspace).splitlines()}
        assert names["MINE"] == "yes"
        assert "SECRET" not in names
        assert names["LANG"] == "C.UTF-8"
        assert names["TZ"] == "UTC"
        assert "/nowhere" not in names["PATH"]

    def test_a_declared_variable_is_part_of_the_key(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='echo $$A > $(out)', outs=['out'], env={'A': '1'})"})
        workspace.build()
        workspace.edit("BUILD.py", "'A': '1'", "'A': '2'")
        assert built_text(workspace) == "2\n"

    def test_an_inherited_variable_is_part_of_the_key_and_others_are_not(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='echo $$A > $(out)', outs=['out'], env_inherit=['A'])"})
        workspace.environment = {"A": "1", "B": "1"}
        assert built_text(workspace) == "1\n"
        workspace.environment = {"A": "1", "B": "2"}
        assert workspace.build().ran == []
        workspace.environment = {"A": "2", "B": "2"}
        assert built_text(workspace) == "2\n"
        workspace.environment = {}
        assert built_text(workspace) == "\n"


class TestPrograms:
    def tool(self, folder, text):
        folder.mkdir(exist_ok=True)
        (folder / "mytool").write_text(f"#!/bin/sh\n{text}\n")
        (folder / "mytool").chmod(0o755)

    @pytest.mark.parametrize("how", ["argv=['mytool', '$(out)']", "cmd='mytool $(out)'"])
    def test_another_program_on_the_inherited_path_runs_it_again(self, make, tmp_path, how):
        workspace = make({"BUILD.py": f"command('c', {how}, outs=['out'], env_inherit=['PATH'])"})
        workspace.environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
        self.tool(tmp_path / "bin", "echo one > $1")
        assert built_text(workspace) == "one\n"
        assert workspace.build().ran == []
        self.tool(tmp_path / "bin", "echo two > $1")
        assert built_text(workspace) == "two\n"
        self.tool(tmp_path / "bin", "echo one > $1")
        assert workspace.build().ran == []

    def test_a_program_that_is_not_there_is_named(self, make):
        built = make({"BUILD.py": "command('c', argv=['no-such-program'], outs=['o'])"}).build()
        assert any("BG060" in error.render() and "no-such-program" in error.render() for error in built.report.errors.values())

    def test_a_script_of_the_workspace_is_an_input_like_any_other(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='sh $(location tool.sh) > $(out)', deps=['tool.sh'], outs=['out'])", "tool.sh": "echo 1"})
        assert built_text(workspace) == "1\n"
        workspace.write({"tool.sh": "echo 2"})
        assert built_text(workspace) == "2\n"

    def test_a_program_made_by_a_target_can_be_run(self, make):
        workspace = make(
            {
                "BUILD.py": """
command("tool", cmd="printf '#!/bin/sh\\necho made > $$1\\n' > $(out); chmod +x $(out)", outs=["tool"])
command("c", argv=["$(location :tool)", "$(out)"], deps=[":tool"], outs=["out"])
"""
            }
        )
        assert built_text(workspace) == "made\n"


class TestHowItIsRun:
    def test_a_timeout_ends_it_with_all_it_started(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='sleep 600 & sleep 600', outs=['o'], timeout=0.3)"}, runner="pool", jobs=1)
        assert "BG210" in workspace.build().error("//:c")

    @pytest.mark.parametrize("timeout", ["0", "-1", "'soon'", "True"])
    def test_a_timeout_that_makes_no_sense_is_refused(self, refused, timeout):
        assert refused(f"command('c', cmd='true', outs=['o'], timeout={timeout})").exit_code == 2

    @pytest.mark.parametrize("runner", ["pool", "inline"])
    def test_signals_are_as_in_a_shell_so_a_closed_pipe_ends_a_writer_silently(self, make, runner):
        """Python ignores SIGPIPE, which a program would inherit: `yes` would go on, and complain."""
        workspace = make({"BUILD.py": "command('c', cmd='{ yes; echo $? > $(outdir)/status; } | head -n 1 > $(outdir)/out', outs=['out', 'status'])"}, runner=runner)
        assert built_text(workspace) == "y\n"
        assert built_text(workspace, name="status") == "141\n"

    def test_no_signal_is_ignored_or_blocked_in_a_program(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='grep -E \"SigIgn|SigBlk\" /proc/self/status > $(out)', outs=['out'])"}, runner="pool")
        internal = 1 << 31 | 1 << 32  # signals 32 and 33 belong to the C library, which ignores them in all that it starts
        assert [int(mask, 16) & ~internal for mask in built_text(workspace).split()[1::2]] == [0, 0]

    def test_retries(self, make, tmp_path):
        mark = tmp_path / "mark"
        workspace = make({"BUILD.py": f"command('c', cmd='test -e {mark} || {{ touch {mark}; exit 1; }}; echo ok > $(out)', outs=['out'], retries=1)"})
        assert built_text(workspace) == "ok\n"

    def test_cacheable_false_runs_it_each_time(self, make):
        workspace = make({"BUILD.py": "command('c', cmd='echo > $(out)', outs=['out'], cacheable=False)"})
        assert workspace.build().ran == workspace.build().ran == ["//:c"]

    def test_an_edited_input_is_noticed_after_the_run(self, make):
        """The command changes what it reads, once: only the second state is ever recorded."""
        command = "cat in/one.txt > $(out); grep -q 9 in/one.txt || echo 9 > in/one.txt"
        workspace = make({**FILES, "BUILD.py": f"command('c', cmd={command!r}, deps=['in/one.txt'], outs=['out'])"})
        assert built_text(workspace) == "9\n"
        assert workspace.build().ran == []


def test_macros_are_plain_functions_and_labels_feed_each_other(make):
    workspace = make(
        {
            "BUILD.py": """
def shouted(name, src):
    quiet = command(f"{name}.quiet", cmd="cat $(in) > $(out)", srcs=[src], outs=["q"])
    return command(name, cmd="tr a-z A-Z < $(in) > $(out)", srcs=[quiet], outs=["out"])

command("c", cmd="cat $(in) > $(out)", srcs=[shouted("a", "text"), shouted("b", "text")], outs=["out"])
""",
            "text": "hi\n",
        }
    )
    assert built_text(workspace) == "HI\nHI\n"


def test_targets_tagged_manual_are_built_only_when_named(make):
    workspace = make({"BUILD.py": "command('a', cmd='echo > $(out)', outs=['o'], tags=['manual'])\ncommand('b', cmd='echo > $(out)', outs=['o'])"})
    assert workspace.build("//...").ran == ["//:b"]
    assert workspace.build("//:a").report.targets == 1


def test_a_group_stands_for_its_members(make):
    workspace = make(
        {
            "BUILD.py": """
command("a", cmd="echo a > $(out)", outs=["a"])
command("b", cmd="echo b > $(out)", outs=["b"])
command("other", cmd="echo > $(out)", outs=["o"])
group("inner", [":b"])
group("g", deps=[":a", ":inner"], tags=["x"])
command("c", cmd="cat $(in) > $(out)", srcs=[":g"], outs=["out"])
"""
        }
    )
    assert sorted(workspace.build("//:g").ran) == ["//:a", "//:b"]
    assert built_text(workspace) == "a\nb\n"
