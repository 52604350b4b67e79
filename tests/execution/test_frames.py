"""Frames: whatever the pieces in which a stream delivers messages, the messages are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.execution.frames import FrameError, Inbox, frame

messages = st.lists(st.tuples(st.integers(0, 2**63), st.binary(max_size=300)).map(list), max_size=8)


@given(messages, st.data())
def test_messages_survive_any_division_into_pieces(sent, data):
    stream = b"".join(frame(message) for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    inbox, received = Inbox(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += inbox.take(stream[start:end])
    assert received == sent


def test_a_message_of_many_megabytes_arrives_in_small_pieces():
    stream = frame([1, b"x" * (16 << 20)]) + frame([2, b""])
    inbox, received = Inbox(), []
    for start in range(0, len(stream), 1 << 16):
        received += inbox.take(stream[start : start + (1 << 16)])
    assert [ticket for ticket, _ in received] == [1, 2]
    assert len(received[0][1]) == 16 << 20


@pytest.mark.parametrize("junk", [b"\x01\x00\x00\x00\xc1", b"\x02\x00\x00\x00\x01\x01", b"\x01\x00\x00\x00\x92"])
def test_what_is_no_message_is_refused(junk):
    with pytest.raises(FrameError):
        Inbox().take(junk)
