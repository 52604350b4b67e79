"""`python -m buildgraph`: the same as the `buildgraph` command."""

from __future__ import annotations

from buildgraph.cli import main

if __name__ == "__main__":
    main()
