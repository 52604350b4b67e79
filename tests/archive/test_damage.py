"""Whatever happens to the bytes of an archive, the contents are the same or it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buildgraph.archive import Member, iterate, reader, unpack, write
from buildgraph.digest import Digest
from buildgraph.errors import VerificationError

FORMATS = ["tar", "tar.gz", "tar.zst", "zip"]


# Any damage at all


@pytest.mark.parametrize("form", FORMATS)
def test_whichever_byte_is_flipped_or_cut_off_the_contents_are_the_same_or_refused(
    forge: Any, tmp_path: Path, form: str
) -> None:
    """Every byte and every length, one after the other; only bits that carry nothing may change unnoticed."""
    path = tmp_path / "a"
    good = forge.Forgery(
        about=b"{}\n",
        frames=[["buildgraph.archive", 1, bytes(Digest.of(b"{}\n"))], forge.row(b"d/a.sh", b"abc")],
        members=[(b"d/a.sh", b"abc")],
    ).packed(form)
    same = flips = 0
    step = 1 if form != "tar" else 3
    for at in range(0, len(good), step):
        damaged = bytearray(good)
        damaged[at] ^= 1 << at % 8
        for data in (bytes(damaged), good[:at]):
            flips += 1
            same += survives(path, data)
    assert same <= 8, f"{same} of {flips} changes went unnoticed"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.sampled_from(FORMATS),
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from(["flip", "cut", "drop", "insert", "copy"]), st.integers(1, 255)),
        min_size=1,
        max_size=4,
    ),
)
def test_however_an_archive_is_mangled_the_contents_are_the_same_or_refused(
    forge: Any, tmp_path: Path, form: str, edits: list[tuple[float, str, int]]
) -> None:
    data = bytearray(forge.Forgery().packed(form))
    for where, what, amount in edits:
        at = int(where * (len(data) - 1)) if data else 0
        if what == "flip" and data:
            data[at] ^= amount
        elif what == "cut":
            del data[at:]
        elif what == "drop":
            del data[at : at + amount]
        elif what == "insert":
            data[at:at] = bytes([amount]) * amount
        elif what == "copy":
            data[at:at] = data[: at + amount]
    survives(tmp_path / "a", bytes(data), forge.FILES)


def survives(path: Path, data: bytes, files: dict[bytes, bytes] | None = None) -> bool:
    """Whether the archive `data` is read; then it has to have the right contents."""
    path.write_bytes(data)
    try:
        found = {entry.raw: content for entry, content in iterate(path)}
    except VerificationError:
        return False
    assert found == (files or {b"d/a.sh": b"abc"})
    return True


def test_a_reader_that_is_interrupted_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between two members: the private folder goes away as well."""
    write(str(tmp_path / "a"), [Member(n, 1, Digest.of(b"1"), False, b"1") for n in "xyz"], metadata={}, format="tar")
    add, calls = reader._Tree.add, []

    def interrupted(tree: Any, *arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        add(tree, *arguments)

    monkeypatch.setattr(reader._Tree, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unpack(tmp_path / "a", tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
