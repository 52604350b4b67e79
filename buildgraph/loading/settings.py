"""Settings: flag over environment over workspace file over user file, each value knowing where it came from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from buildgraph.errors import Place, UsageError, nearest
from buildgraph.loading.workspace import MARKER, has_table
from buildgraph.rule import source_place
from buildgraph.schema import GRANULARITIES

PREFIX: Final = "BUILDGRAPH_"
RUNNERS: Final = ("pool", "inline")
COLORS: Final = ("auto", "always", "never")
_CHOICES: Final = {"runner": RUNNERS, "color": COLORS, "granularity": GRANULARITIES}
_TRUTH: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to build. Every field is a key of the files, a `BUILDGRAPH_` variable and a flag; `origins` say which it was.

    `store` is absolute; `outputs` is the output folder relative to the workspace; `default` are the patterns of a
    build without any; `timeout` is in seconds, 0 for none; `remote` is a URL, empty for none. `granularity` says how
    the code of targets counts, `strict` refuses code that cannot be resolved by reading, `ignore_environment` names
    variables (`*` stands for anything) that code reads and that are no inputs.
    """

    store: str
    jobs: int
    runner: str = "pool"
    outputs: str = "build"
    keep_going: bool = False
    default: tuple[str, ...] = ()
    timeout: float = 0.0
    cache: bool = True
    remote: str = ""
    color: str = "auto"
    granularity: str = "definition"
    strict: bool = False
    ignore_environment: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    def origin(self, name: str) -> str:
        """Where the value of the setting `name` came from: `default`, `--jobs`, `BUILDGRAPH_JOBS` or a file."""
        return self.origins.get(name, "default")


_KINDS: Final[dict[str, str]] = {f.name: str(f.type) for f in fields(Settings) if f.name != "origins"}
_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple[str, ...]": "a list of texts",
}


def load_settings(
    root: str, *, flags: Mapping[str, Any], environment: Mapping[str, str], user_file: str = "", here: str = ""
) -> Settings:
    """The settings for the workspace `root`; flags that are None were not given. Raises UsageError (BG130 to BG133).

    `user_file` is the user's own configuration (see `user_file_of`), `here` the folder that relative paths in flags
    and the environment start from.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def settle(found: Mapping[str, Any], origin: Mapping[str, str]) -> None:
        values.update(found)
        origins.update({name: origin[name] for name in found})

    for path, table in (
        (user_file, False),
        (os.path.join(root, "pyproject.toml"), True),
        (os.path.join(root, MARKER), False),
    ):
        found = _from_file(path, root, in_table=table)
        settle(found, {name: str(_place_of(path, root, name)) for name in found})
    named = _from_environment(environment)
    settle(_anchored(named, here), {name: _variable(name) for name in named})
    given = {name: value for name, value in flags.items() if value is not None}
    for name, value in given.items():
        given[name] = _checked(name, value, "--" + name.replace("_", "-"))
    settle(_anchored(given, here), {name: "--" + name.replace("_", "-") for name in given})
    values.setdefault("store", default_store(root, environment))
    values.setdefault("jobs", len(os.sched_getaffinity(0)))
    store = values["store"]
    if store == "~" or store.startswith("~/"):
        values["store"] = environment.get("HOME", root) + store[1:]
    return Settings(**values, origins=origins)


def default_store(root: str, environment: Mapping[str, str]) -> str:
    """The store that all workspaces of a user share; inside the workspace for a user without a home."""
    cache = environment.get("XDG_CACHE_HOME", "")
    home = environment.get("HOME", "")
    if not os.path.isabs(cache):
        cache = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    return os.path.join(cache, "buildgraph") if cache else os.path.join(root, ".buildgraph", "store")


def user_file_of(environment: Mapping[str, str]) -> str:
    """The path of the user's own configuration file, whether it exists or not; "" for a user without a home."""
    folder = environment.get("XDG_CONFIG_HOME", "")
    home = environment.get("HOME", "")
    if not os.path.isabs(folder):
        folder = os.path.join(home, ".config") if os.path.isabs(home) else ""
    return os.path.join(folder, "buildgraph", "config.toml") if folder else ""


def _from_file(path: str, root: str, *, in_table: bool) -> dict[str, Any]:
    """The settings written in the TOML file `path`; {} when it does not exist or says nothing about buildgraph."""
    if not path or not os.path.isfile(path) or not os.path.getsize(path) or (in_table and not has_table(path)):
        return {}
    import tomllib  # only workspaces with a file that says something pay for it

    shown = _shown(path, root)
    try:
        with open(path, "rb") as stream:
            data: dict[str, Any] = tomllib.load(stream)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"at line (\d+)", str(error))
        raise UsageError(
            f"'{shown}' is not valid TOML",
            code="BG132",
            where=source_place(path, shown, int(line[1]) if line else 0),
            why=str(error),
            fix="correct the line above",
        ) from None
    except OSError as error:
        raise UsageError(
            f"'{shown}' cannot be read",
            code="BG132",
            where=shown,
            why=str(error.strerror or error),
            fix="make it a readable file",
        ) from None
    if in_table:
        data = data["tool"]["buildgraph"]
    found = {}
    for name, value in data.items():
        place = _place_of(path, root, name)
        if name not in _KINDS:
            hint = nearest(name.replace("-", "_"), _KINDS) or "remove it"
            raise UsageError(
                f"'{shown}' has an unknown setting '{name}'", code="BG130", where=place, why=_known(), fix=hint
            )
        found[name] = _checked(name, value, place)
    return _anchored(found, os.path.dirname(path))


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name in _KINDS:
            found[name] = _checked(name, _parsed(_KINDS[name], text), variable)
        elif hint := nearest(name, _KINDS):  # others may use the prefix for something of their own
            raise UsageError(
                f"the environment has an unknown setting '{variable}'",
                code="BG133",
                where=variable,
                why=_known(),
                fix=hint.replace(hint.split("'")[1], _variable(hint.split("'")[1])),
            )
    return found


def _parsed(kind: str, text: str) -> Any:
    """The value that a variable's text stands for; the text itself when it stands for none."""
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
    except ValueError:
        return text
    return _TRUTH.get(text.lower(), text) if kind == "bool" else text.split() if kind.startswith("tuple") else text


def _checked(name: str, value: Any, where: Place | str) -> Any:
    """`value` if the setting `name` may have it. Raises UsageError (BG131)."""
    kind = _KINDS[name]
    problem = ""
    if kind == "float" and type(value) is int:
        value = float(value)
    if kind.startswith("tuple"):
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            problem = _WORDS[kind]
        value = tuple(value) if not problem else value
    elif type(value).__name__ != kind:
        problem = _WORDS[kind]
    elif name in _CHOICES and value not in _CHOICES[name]:
        problem = f"one of {', '.join(_CHOICES[name])}"
    elif name == "jobs" and not 1 <= value <= 1024:
        problem = "a number of workers from 1 to 1024"
    elif name == "timeout" and not 0 <= value < float("inf"):
        problem = "a number of seconds, 0 for no limit"
    elif name == "outputs" and (os.path.isabs(value) or ".." in value.split("/") or value.strip("./") == ""):
        problem = "a folder inside the workspace"
    elif name == "store" and not value:
        problem = "a folder"
    if problem:
        raise UsageError(
            f"'{name}' is {value!r:.60}, not {problem}",
            code="BG131",
            where=where,
            why=f"'{name}' takes {problem}",
            fix=_example(name),
        )
    return value


def _example(name: str) -> str:
    example = {
        "store": '"~/.cache/buildgraph"',
        "jobs": "4",
        "outputs": '"build"',
        "default": '["//app:main"]',
        "timeout": "600",
        "remote": '"https://cache.example"',
        "runner": '"pool"',
        "color": '"auto"',
        "granularity": '"definition"',
        "ignore_environment": '["APP_LOG_*"]',
    }.get(name, "true")
    return f"for example {name} = {example}"


def _anchored(found: dict[str, Any], folder: str) -> dict[str, Any]:
    """`found` with a relative store path made absolute; it starts from `folder`."""
    store = found.get("store")
    if store is None or os.path.isabs(store) or store.startswith("~"):
        return found
    return {**found, "store": os.path.abspath(os.path.join(folder, store))}


def _place_of(path: str, root: str, name: str) -> Place:
    """The line of the file that sets `name`; tomllib knows no lines, so the first line that looks like it."""
    pattern = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=|\s*\[+(tool\.buildgraph\.)?{re.escape(name)}[\].]""")
    with open(path, encoding="utf-8", errors="replace") as stream:
        line = next((number for number, text in enumerate(stream, 1) if pattern.match(text)), 0)
    return source_place(path, _shown(path, root), line)


def _shown(path: str, root: str) -> str:
    return os.path.relpath(path, root) if os.path.dirname(path) == root else path


def _known() -> str:
    return f"known settings: {', '.join(_KINDS)}"


def _variable(name: str) -> str:
    return PREFIX + name.upper()
