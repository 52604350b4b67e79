"""The library's own test: a program, and the report of running it."""

from __future__ import annotations

from cc import c_binary, c_test

c_test("check", program=c_binary("kit_check", folder="check", srcs=["kit_check.c"], libraries=["//kit"]))
