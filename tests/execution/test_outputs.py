"""Output folders hold what targets made, and nothing that anybody did to them afterwards."""

from __future__ import annotations

import os

import pytest

from buildgraph.testing import TemporaryWorkspace


@pytest.fixture(params=["value", "large value", "tree"])
def built(request, tmp_path):
    """A workspace with one built target, and the file of its output that is going to suffer."""
    made = {
        "value": ("python('t', fn='m:small')", "value.txt"),
        "large value": ("python('t', fn='m:large')", "value.txt"),
        "tree": ("python('t', fn='m:tree', outs=['a', 'sub/b', 'd/'])", "sub/b"),
    }
    declared, name = made[request.param]
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store")
    workspace.write(
        {
            "BUILD.py": f"from buildgraph.rules import python\n{declared}\npython('child', fn='user:child', needs={{'x': ':t'}})",
            "m.py": """
import os

def small():
    return "small"

def large():
    return "large" * 30_000

def tree(out_dir):
    (out_dir / "a").write_text("a")
    (out_dir / "sub/b").write_text("b" * 100_000)
    (out_dir / "sub/b").chmod(0o755)
    (out_dir / "d/empty").mkdir()
    os.symlink("../a", out_dir / "d/link")
""",
            "user.py": """
def child(x):
    return sorted(path.name for path in x.rglob("*")) if hasattr(x, "rglob") else x
""",
        }
    )
    assert workspace.build().ok
    return workspace, workspace.output("//:t", name), workspace.outputs(["//:t", "//:child"])


def spoil_edit(path):
    path.chmod(0o755)
    path.write_text("edited")


def spoil_same_size(path):
    stamp = path.stat()
    path.write_bytes(b"?" * stamp.st_size)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def spoil_delete(path):
    path.unlink()


def spoil_folder_in_its_place(path):
    path.unlink()
    (path / "x").mkdir(parents=True)


def spoil_link_in_its_place(path):
    path.unlink()
    path.symlink_to("/etc/hostname")


def spoil_foreign_file(path):
    (path.parent / "foreign").write_text("x")


def spoil_foreign_folder(path):
    (path.parent / "foreign/deep").mkdir(parents=True)
    (path.parent / "foreign/deep/file").write_text("x")


def spoil_mode(path):
    path.chmod(0o600 if os.access(path, os.X_OK) else 0o777)


def spoil_everything(path):
    folder = path.parent
    for each in list(folder.iterdir()):
        each.unlink() if not each.is_dir() else None
    folder.rename(folder.with_name("elsewhere"))


SPOILERS = [
    spoil_edit, spoil_same_size, spoil_delete, spoil_folder_in_its_place, spoil_link_in_its_place, spoil_foreign_file,
    spoil_foreign_folder, spoil_mode, spoil_everything,
]  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__.removeprefix("spoil_"))
def test_whatever_is_done_to_outputs_is_undone_without_running_anything(built, spoil):
    workspace, path, before = built
    executable = os.access(path, os.X_OK)
    spoil(path)
    assert workspace.build().ran == []
    assert workspace.outputs(["//:t", "//:child"]) == before
    assert os.access(path, os.X_OK) == executable
    assert path.stat().st_mode & 0o200


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__.removeprefix("spoil_"))
def test_a_consumer_never_sees_what_was_done_to_its_input(built, spoil):
    workspace, path, before = built
    spoil(path)
    workspace.edit("user.py", "def child(x):", "def child(x, again=1):")
    assert workspace.build("//:child").ran == ["//:child"]
    assert workspace.outputs(["//:child"])["//:child"] == before["//:child"]


def test_a_link_where_a_folder_was_is_never_written_through(built, tmp_path):
    workspace, path, before = built
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "mine").write_text("precious")
    folder = path.parent
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(victim)
    workspace.build()
    assert [each.name for each in victim.iterdir()] == ["mine"]
    assert workspace.outputs(["//:t"])["//:t"] == before["//:t"]


def test_outputs_are_never_links_into_the_store(built):
    """Writing to an output must not be able to damage the store."""
    workspace, path, before = built
    stored = {(status.st_dev, status.st_ino) for file in workspace.store.rglob("*") if file.is_file() for status in [file.stat()]}
    for file in (workspace.root / "build").rglob("*"):
        status = file.lstat()
        assert (status.st_dev, status.st_ino) not in stored
        assert not file.is_symlink() or file.name == "link"
        assert file.is_symlink() or status.st_nlink == 1 or file.is_dir()
    path.chmod(0o755)
    path.write_text("scribbled over")
    workspace.remove("build")
    workspace.build()
    assert workspace.outputs(["//:t", "//:child"]) == before


def test_an_untouched_output_is_not_written_again(built):
    workspace, path, _ = built
    before = path.stat()
    workspace.build()
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (before.st_ino, before.st_mtime_ns, before.st_ctime_ns)


def test_the_same_bytes_of_another_kind_get_their_own_name(tmp_path):
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store")
    workspace.write({"BUILD.py": "from buildgraph.rules import python\npython('t', fn='m:t')", "m.py": "def t():\n    return 'same'\n"})
    assert workspace.build().report.outputs["//:t"] == ("build/t/value.txt",)
    workspace.edit("m.py", "'same'", "b'same'")
    assert workspace.build().report.outputs["//:t"] == ("build/t/value.bin",)
    assert [path.name for path in workspace.output("//:t", ".").iterdir()] == ["value.bin"]


def test_outputs_that_cannot_be_written_are_an_error_that_names_the_place(tmp_path):
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store")
    workspace.write({"BUILD.py": "from buildgraph.rules import python\npython('t', fn='m:t')", "m.py": "def t():\n    return 1\n", "build": "in the way"})
    with pytest.raises(Exception, match="have no place") as caught:
        workspace.build()
    assert caught.value.code == "BG251"
    workspace.remove("build")
    built = workspace.build()
    assert built.ok
    assert built.ran == []
