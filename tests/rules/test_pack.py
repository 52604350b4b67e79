"""`pack`: one archive with the same bytes on every machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from buildgraph.archive import inspect, read_member, unpack

FILES = {
    "BUILD.py": """
files("docs", srcs=["docs/**"])
python("metrics", fn="m:metrics")
command("tool", cmd="echo '#!/bin/sh' > $(out); chmod +x $(out)", outs=["tool"])
pack("model", srcs=[":docs", ":metrics", ":tool"], out="model.tar.gz", metadata={"version": 3, "made": {"by": "tests"}})
""",
    "m.py": "def metrics():\n    return {'accuracy': 0.9}\n",
    "docs/a.md": "a", "docs/deep/b.md": "b",
}  # fmt: skip


def names(path):
    return [member.path for member in inspect(path).members]


def test_files_keep_their_paths_and_values_get_their_targets_name(make):
    workspace = make(FILES)
    assert workspace.build().ok
    archive = workspace.output("//:model", "model.tar.gz")
    assert names(archive) == ["docs/a.md", "docs/deep/b.md", "metrics.json", "tool"]
    assert inspect(archive).metadata == {"version": 3, "made": {"by": "tests"}}
    assert read_member(archive, "docs/deep/b.md") == b"b"


def test_it_unpacks_to_what_went_in(make, tmp_path):
    workspace = make(FILES)
    workspace.build()
    unpack(workspace.output("//:model", "model.tar.gz"), tmp_path / "out")
    assert (tmp_path / "out/docs/deep/b.md").read_text() == "b"
    assert os.access(tmp_path / "out/tool", os.X_OK)
    assert not os.access(tmp_path / "out/metrics.json", os.X_OK)


@pytest.mark.parametrize("out", ["m.tar", "m.tar.gz", "m.tar.zst", "m.zip"])
def test_the_suffix_chooses_the_format(make, out):
    if out.endswith("zst"):
        pytest.importorskip("zstandard")
    workspace = make({**FILES, "BUILD.py": FILES["BUILD.py"].replace("model.tar.gz", out)})
    built = workspace.build()
    assert built.ok, built.report.errors
    archive = workspace.output("//:model", out)
    assert "metrics.json" in names(archive)
    magic = {"m.tar.gz": b"\x1f\x8b", "m.tar.zst": b"\x28\xb5\x2f\xfd", "m.zip": b"PK"}.get(out, b"")
    assert archive.read_bytes().startswith(magic)


def test_format_wins_over_the_suffix(make):
    workspace = make({**FILES, "BUILD.py": FILES["BUILD.py"].replace('out="model.tar.gz"', 'out="model.bin", format="zip"')})
    workspace.build()
    assert workspace.output("//:model", "model.bin").read_bytes().startswith(b"PK")


def test_a_mapping_says_where_each_label_goes(make):
    declared = FILES["BUILD.py"].partition("pack(")[0] + "pack('model', srcs={'notes': ':docs', 'eval.json': ':metrics', 'bin/': ':tool'})"
    workspace = make({**FILES, "BUILD.py": declared})
    built = workspace.build()
    assert built.ok, built.report.errors
    assert names(workspace.output("//:model", "model.tar.gz")) == ["bin/tool", "eval.json", "notes/docs/a.md", "notes/docs/deep/b.md"]


def test_two_files_of_one_name_are_an_error(make):
    declared = FILES["BUILD.py"] + "command('x', cmd='echo > $(out)', outs=['tool'])\npack('twice', srcs=[':tool', ':x'], out='t.tar')"
    assert "BG236" in make({**FILES, "BUILD.py": declared}).build(keep_going=True).error("//:twice")


@pytest.mark.parametrize("path", ["/abs", "../up", "a/../../b"])
def test_a_path_that_leads_out_is_refused(refused, path):
    assert refused(f"python('v', fn='m:metrics')\npack('p', srcs={{{path!r}: ':v'}})", {"m.py": FILES["m.py"]}).code == "BG068"


def test_an_unknown_format_is_refused(refused):
    assert refused("python('v', fn='m:metrics')\npack('p', srcs=[':v'], out='x.rar')", {"m.py": FILES["m.py"]}).exit_code == 2


def test_metadata_is_part_of_the_key(make):
    workspace = make(FILES)
    workspace.build()
    workspace.edit("BUILD.py", '"version": 3', '"version": 4')
    assert workspace.build().ran == ["//:model"]
    assert inspect(workspace.output("//:model", "model.tar.gz")).metadata["version"] == 4


@pytest.mark.parametrize("out", ["m.tar", "m.tar.gz", "m.zip"])
def test_the_same_bytes_come_out_on_another_machine(make, tmp_path, out):
    """Another path, umask, time zone, locale, order of the files on disk, age of the files, and process."""
    declared = {**FILES, "BUILD.py": FILES["BUILD.py"].replace("model.tar.gz", out)}
    first = make(declared, name="first")
    first.build()
    second = make({}, name="another/much/deeper/place")
    second.write(dict(reversed(list(declared.items()))))
    second.write({"BUILD.py": first.read("BUILD.py")})
    for path in second.root.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "77"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-m", "buildgraph", "build", "-q", "--store", str(tmp_path / "other-store")]
    subprocess.run(command, cwd=second.root, env=environment, check=True, timeout=120, umask=0o077)
    assert second.output("//:model", out).read_bytes() == first.output("//:model", out).read_bytes()
