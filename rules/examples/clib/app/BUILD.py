"""A program that counts words, and what it says about a story."""

from __future__ import annotations

from buildgraph.rules import command
from cc import c_binary, c_headers

c_headers("app")
wordfreq = c_binary("wordfreq", folder="app", srcs=["wordfreq.c", "file.c"], libraries=["//kit"])

command(
    "story",
    argv=[f"$(location {wordfreq})", "$(in)", "$(out)"],
    srcs=["story.txt"],
    deps=[wordfreq],
    outs=["story.json"],
)
