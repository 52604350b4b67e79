"""One build of a workspace at a time."""

from __future__ import annotations

import os
import threading

import pytest

from buildgraph.errors import LockError
from buildgraph.events import Warned


def test_a_second_build_is_refused_when_it_may_not_wait(chain):
    with chain.workspace().open("hold it"), pytest.raises(LockError) as caught:
        chain.build(wait=False)
    assert caught.value.exit_code == 4
    assert caught.value.code == "BG310"
    assert str(os.getpid()) in caught.value.render()


def test_a_second_build_waits_names_the_holder_and_goes_on(chain):
    first = chain.workspace().open("hold it")
    released = threading.Event()
    told = []

    def listen(event):
        if isinstance(event, Warned) and not released.is_set():
            told.append(event)
            released.set()

    def release_when_told():
        released.wait(60)
        first.close()

    helper = threading.Thread(target=release_when_told)
    helper.start()
    built = chain.build(listen=listen)
    helper.join()
    assert built.ok
    assert [event.code for event in told] == ["BG310"]
    assert f"pid {os.getpid()}" in told[0].message
    assert "hold it" in told[0].message
