"""How functions are called: entry points, annotations, and the engine's own arguments."""

from __future__ import annotations

import pytest

from buildgraph.component import Files
from buildgraph.errors import BuildgraphError
from buildgraph.execution.calling import Call, as_wanted, call, entry


def test_an_entry_point_leads_to_the_object():
    assert entry("os.path:join").__name__ == "join"
    assert entry("buildgraph.digest:Digest.of").__name__ == "of"


@pytest.mark.parametrize(
    ("point", "code", "hint"),
    [("no_such_module_here:x", "BG100", ""), ("os.path:jion", "BG102", "join"), ("buildgraph.digest:Digest.fo", "BG102", ""), ("os.no_such:x", "BG100", "")],
)
def test_an_entry_point_that_leads_nowhere_is_named(point, code, hint):
    with pytest.raises(BuildgraphError) as caught:
        entry(point)
    assert caught.value.code == code
    assert hint in caught.value.fix


def test_a_module_that_is_there_but_imports_what_is_not_says_so_itself(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        entry("half_there:x")


def test_the_engines_arguments_go_only_to_those_who_name_them(monkeypatch, tmp_path):
    (tmp_path / "callee.py").write_text("def names(x, out_dir=None, **rest):\n    return [x, out_dir, rest]\n\ndef silent(**rest):\n    return rest\n")
    monkeypatch.syspath_prepend(tmp_path)
    services = {"out_dir": lambda: "here", "root": lambda: "/"}

    def of(name):
        return Call("//:t", f"callee:{name}", "", "", False, {"x": 1}, None, services)

    assert call(of("names"), {}, lambda: None) == [1, "here", {}]
    assert call(of("silent"), {}, lambda: None) == {"x": 1}


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [(None, "Path"), ("Path", "Path"), ("str", "str"), ("bytes", "bytes"), ("dict[str, Path]", "dict"), ("Files", "Files"), (str, "str"), (dict, "dict"), (object, "Path")],
)
def test_files_take_the_form_of_the_annotation(tmp_path, annotation, kind):
    (tmp_path / "a").write_text("x")

    def function(x):
        """Its annotation is set below."""

    if annotation is not None:
        function.__annotations__["x"] = annotation
    found = as_wanted(Files("", ("a",), str(tmp_path)), "x", function, "//:t")
    assert type(found).__name__.replace("Posix", "") == kind
