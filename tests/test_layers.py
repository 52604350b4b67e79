"""The house rules that a reader could check but would not: floors, who may import what, sizes, and where files lie.

Every detector is a function of source text, and is proven on an offender made for it.
"""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Imports go down or stay on their floor. A folder stands for all its modules.
FLOORS = {
    "errors": 0,
    "catalogue": 0,
    "digest": 0,
    "encoding": 0,
    "arrays": 0,
    "tables": 0,
    "label": 1,
    "schema": 1,
    "graph": 1,
    "action": 1,
    "events": 1,
    "fingerprint": 2,
    "code": 2,
    "store": 3,
    "archive": 3,
    "execution": 4,
    "scheduler": 5,
    "rule": 6,
    "component": 1,
    "version": 0,
    "facts": 0,
    "loading": 7,
    "trainer": 8,
    "session": 8,
    "answers": 8,
    "soundness": 8,
    "workspace": 8,
    "standing": 8,
    "": 8,  # buildgraph/__init__.py: the names that users import
    "remote": 9,
    "runners": 9,
    "cli": 10,
    "report": 10,
    "testing": 10,  # for tests of workspaces: may use everything
    "__main__": 10,
}
RULES_FLOOR = 6  # rules use what any author of rules may use
NLU_FLOOR = 8  # components of a pipeline speak of messages and training data, which are the trainer's

# Libraries that only some modules may import, with those modules.
OWNERS = {
    "lmdb": ("buildgraph/store/environment.py",),
    "blake3": ("buildgraph/digest.py",),
    "click": ("buildgraph/cli/",),
    "rich": ("buildgraph/cli/", "buildgraph/report/"),
}

# Where the environment or the working folder may be read, outside the command line, and why.
AMBIENT = {
    "buildgraph/execution/nursery.py": "starts worker processes and puts back the folder it left",
    "buildgraph/execution/process.py": "the process of a worker: gives every action a fixed environment and folder, and puts both back",
    "buildgraph/execution/worker.py": "the inline runner gives actions that environment in this process, and puts it back",
    "buildgraph/trainer/cache.py": "a training cache that is told nothing looks where the user's variables say, at the moment it is made",
    "buildgraph/loading/build_file.py": "puts a watched stand-in in place while the user's build file runs",
}

# Code that runs or loads code from data, and why.
DANGEROUS = {
    "buildgraph/loading/build_file.py": "running the user's build file is its purpose",
    "buildgraph/execution/codecs/local.py": 'only for a node that says codec="pickle", from this machine\'s own store',
}

TOP_LEVEL = {"pyproject.toml", "README.md", "buildgraph", "rules", "tests", "benchmarks", "LICENSE", "CHANGELOG.md"}
READERS = ("environ", "environb", "getenv", "getcwd", "getcwdb", "expanduser", "expandvars")
HEAVY = ("click", "asyncio", "numpy", "pandas", "pyarrow", "rich", "yaml", "logging", "multiprocessing")


# ---- the detectors --------------------------------------------------------------------------------------------------


def imports(path: str, source: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that `source` imports, inside functions too."""
    package = path.removesuffix(".py").removesuffix("/__init__").split("/")
    if not path.endswith("/__init__.py"):
        package.pop()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, node.module] if node.module else above)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def floor_of(name: str) -> int | None:
    """The floor of a dotted name of the engine; None when it has none."""
    parts = name.split(".")
    if parts[0] != "buildgraph" or parts[:2] == ["buildgraph", "rules"]:
        return None
    return FLOORS.get(parts[1] if len(parts) > 1 else "", FLOORS[""])


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def looks_up(path: str, source: str) -> list[str]:
    """Imports from a higher floor, and modules without a floor."""
    own = NLU_FLOOR if path.startswith("rules/nlu/") else RULES_FLOOR if path.startswith("rules/") else floor_of(module_name(path))
    top = path.split("/")[1].removesuffix(".py")
    if path.startswith("buildgraph/") and top != "__init__" and top not in FLOORS:
        return [f"{path}: has no floor"]
    found = []
    for line, name in imports(path, source):
        floor = floor_of(name)
        if floor is not None and own is not None and floor > own:
            found.append(f"{path}:{line}: floor {own} looks up at {name} on floor {floor}")
    return found


def borrows(path: str, source: str) -> list[str]:
    """Imports of a library that belongs to other modules."""
    found = []
    for line, name in imports(path, source):
        owners = OWNERS.get(name.partition(".")[0])
        if owners is not None and not path.startswith(owners):
            found.append(f"{path}:{line}: imports {name}, which only {' and '.join(owners)} may")
    return found


def knows_rules(path: str, source: str) -> list[str]:
    """Imports of rules by the engine, also by a name in a string."""
    if not path.startswith("buildgraph/"):
        return []
    named = [(line, name) for line, name in imports(path, source) if f"{name}.".startswith("buildgraph.rules.")]
    for node in ast.walk(ast.parse(source)):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and re.fullmatch(r"buildgraph\.rules(\.\w+)*(:\w+)?", text):
            named.append((node.lineno, text))
    return [f"{path}:{line}: knows of {name}" for line, name in named]


def ambient(path: str, source: str) -> list[str]:
    """Reads of the environment, the working folder or the home folder outside the command line."""
    if path.startswith("buildgraph/cli/"):
        return []
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in READERS:
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.Attribute) and node.attr in ("cwd", "home"):
            if isinstance(node.value, ast.Name) and node.value.id in ("Path", "PosixPath"):
                found.append((node.lineno, node.attr))
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            found += [
                (node.lineno, alias.name) for alias in node.names if alias.name in ("environ", "getenv", "getcwd")
            ]
    return [f"{path}:{line}: reads {name}" for line, name in found]


def dangerous(path: str, source: str) -> list[str]:
    """Ways to run code that is found in data."""
    found = [
        (line, name)
        for line, name in imports(path, source)
        if name.partition(".")[0] in ("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib")
    ]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id in ("eval", "exec"):
                found.append((node.lineno, function.id))
            elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                name = f"{function.value.id}.{function.attr}"
                if name in ("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"):
                    found.append((node.lineno, name))
            if any(word.arg == "allow_pickle" and not is_false(word.value) for word in node.keywords):
                found.append((node.lineno, "allow_pickle"))
    return [f"{path}:{line}: uses {name}" for line, name in found]


def is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def untitled(path: str, source: str) -> list[str]:
    """Modules that do not say why they exist."""
    said = ast.get_docstring(ast.parse(source)) or ""
    return [] if said.splitlines()[:1] != [] and said.splitlines()[0].strip() else [f"{path}: has no docstring"]


def too_long(path: str, source: str) -> list[str]:
    """Modules that have become two."""
    lines = source.count("\n")
    return [f"{path}: has {lines} lines, 500 are allowed"] if lines > 500 else []


def unexcused(found: list[str], allowed: Mapping[str, str]) -> list[str]:
    """What is found in a place that is not allowed, and allowances that nothing needs any more."""
    used = {line.partition(":")[0] for line in found}
    there = {path for path in allowed if (ROOT / path).exists()}
    idle = [f"{path}: is allowed ({allowed[path]}) but has nothing to allow" for path in sorted(there - used)]
    return [line for line in found if line.partition(":")[0] not in allowed] + idle


# ---- the tree -------------------------------------------------------------------------------------------------------


def sources(*folders: str) -> dict[str, str]:
    """Path and text of every module of the engine and the rules; examples are workspaces of their own."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    named = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return {name: path.read_text() for name, path in named.items() if not name.startswith("rules/examples/")}


def report(offenders: list[str]) -> None:
    """Fails with all offenders, one per line."""
    if offenders:
        pytest.fail("\n".join(["", *offenders]), pytrace=False)


@pytest.fixture(scope="module")
def house() -> dict[str, str]:
    return sources("buildgraph", "rules")


@pytest.mark.parametrize("detector", [looks_up, borrows, knows_rules, untitled, too_long], ids=lambda d: d.__name__)
def test_no_module_breaks_the_rule(detector, house: dict[str, str]) -> None:  # type: ignore[no-untyped-def]  # any detector
    """Floors, owned libraries, an engine that knows no rule, a first line that says why, a bounded size."""
    report([line for path, source in house.items() for line in detector(path, source)])


def test_nothing_reads_the_environment_behind_the_callers_back(house: dict[str, str]) -> None:
    """The command line reads it once and passes it on; the exceptions have reasons."""
    report(unexcused([line for path, source in house.items() for line in ambient(path, source)], AMBIENT))


def test_no_code_is_run_or_loaded_from_data(house: dict[str, str]) -> None:
    """No pickle, no eval, no YAML tags; the exceptions have reasons."""
    report(unexcused([line for path, source in house.items() for line in dangerous(path, source)], DANGEROUS))


def test_modules_are_small(house: dict[str, str]) -> None:
    """Half of them fit under 150 lines."""
    assert statistics.median(source.count("\n") for source in house.values()) < 150


def test_benchmarks_say_why_they_exist() -> None:
    """As every module does."""
    report([line for path, source in sources("benchmarks").items() for line in untitled(path, source)])


def test_the_listed_packages_are_the_folders_that_hold_modules() -> None:
    """A wheel contains what a checkout contains."""
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {Path(path).parent.as_posix() for path in sources("buildgraph", "rules")}
    mapped = {name: folder for name, folder in setup["package-dir"].items() if name != "buildgraph"}
    found = {
        next((name for name, where in mapped.items() if where == folder), folder.replace("/", "."))
        for folder in folders
    }
    assert sorted(setup["packages"]) == sorted(found)


def test_every_folder_explains_itself() -> None:
    """A README in the house, in each of its rooms, and beside each example."""
    rooms = [ROOT / name for name in ("buildgraph", "rules", "tests", "benchmarks", "rules/examples")]
    rooms += {path.parent for house in ("buildgraph", "rules") for path in (ROOT / house).glob("*/*.py")}
    rooms += [path.parent for path in (ROOT / "rules" / "examples").glob("*/BUILD.py")]
    missing = [room.relative_to(ROOT).as_posix() for room in rooms if not (room / "README.md").is_file()]
    report([f"{room}: has no README.md" for room in sorted(missing)])


def unexpected(names: list[str]) -> list[str]:
    """Names that do not belong at the top, but for what tools leave there and git ignores."""
    left = ["__pycache__", "build", "dist", "*.egg-info"]
    return [
        n for n in names if n not in TOP_LEVEL and n[0] != "." and not any(fnmatch.fnmatch(n, each) for each in left)
    ]


def test_the_top_level_holds_only_the_agreed_names() -> None:
    """Six names are the whole house, beside dotfiles and two plain files."""
    report([f"{name}: does not belong at the top" for name in unexpected(sorted(os.listdir(ROOT)))])
    report([f"{name}: is missing at the top" for name in sorted(TOP_LEVEL - set(os.listdir(ROOT)))])


@pytest.mark.parametrize("module", ["buildgraph", "buildgraph.store", "buildgraph.workspace", "buildgraph.cli"])
def test_importing_stays_light(module: str) -> None:
    """An unchanged build answers at once; what is slow to import is imported when it is needed."""
    assert loaded_by(module) == []


def loaded_by(module: str) -> list[str]:
    """The heavy libraries that a fresh process has loaded after importing `module`."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], check=False, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return sorted(set(HEAVY).intersection(done.stdout.split()))


# ---- the detectors can fail -----------------------------------------------------------------------------------------

OFFENDERS = {
    "a lower floor imports a higher one": (
        looks_up,
        "buildgraph/digest.py",
        "from buildgraph.schema import GraphSchema",
    ),
    "an import inside a function": (looks_up, "buildgraph/graph.py", "def f():\n    import buildgraph.scheduler.plan"),
    "a module imported from its package": (looks_up, "buildgraph/store/local.py", "from buildgraph import rule"),
    "a relative import": (looks_up, "buildgraph/store/local.py", "from ..execution import pool"),
    "a relative import in a package": (looks_up, "buildgraph/store/__init__.py", "from ..scheduler.loop import Round"),
    "the facade from below": (looks_up, "buildgraph/scheduler/loop.py", "from buildgraph import Workspace"),
    "an import for type checking": (looks_up, "buildgraph/errors.py", "if TYPE_CHECKING:\n    import buildgraph.label"),
    "a module without a floor": (looks_up, "buildgraph/helpers.py", ""),
    "a rule that reaches into loading": (looks_up, "rules/pack.py", "from buildgraph.loading import load"),
    "lmdb elsewhere": (borrows, "buildgraph/store/local.py", "import lmdb"),
    "blake3 elsewhere": (borrows, "buildgraph/encoding.py", "def f():\n    from blake3 import blake3"),
    "click in the engine": (borrows, "buildgraph/workspace.py", "import click.testing"),
    "rich in a rule": (borrows, "rules/pack.py", "from rich.console import Console"),
    "the engine imports a rule": (knows_rules, "buildgraph/rule.py", "from buildgraph.rules import pack"),
    "the engine imports all rules": (knows_rules, "buildgraph/rule.py", "from buildgraph import rules"),
    "the engine names a rule": (knows_rules, "buildgraph/rule.py", "USES = 'buildgraph.rules.commands:run'"),
    "os.environ": (ambient, "buildgraph/store/local.py", "import os\nx = os.environ['HOME']"),
    "os.getenv": (ambient, "rules/pack.py", "import os\nx = os.getenv('HOME')"),
    "environ by itself": (ambient, "buildgraph/rule.py", "from os import environ"),
    "the working folder": (ambient, "buildgraph/rule.py", "from pathlib import Path\nx = Path.cwd()"),
    "the home folder": (ambient, "buildgraph/rule.py", "x = os.path.expanduser('~/.cache')"),
    "pickle": (dangerous, "buildgraph/store/local.py", "import pickle"),
    "marshal inside a function": (dangerous, "rules/pack.py", "def f():\n    from marshal import loads"),
    "eval": (dangerous, "buildgraph/rule.py", "x = eval('1')"),
    "yaml.load": (dangerous, "buildgraph/rule.py", "import yaml\nx = yaml.load('')"),
    "numpy with pickle": (dangerous, "buildgraph/rule.py", "np.load(f, allow_pickle=True)"),
    "no docstring": (untitled, "buildgraph/rule.py", "x = 1"),
    "an empty docstring": (untitled, "buildgraph/rule.py", '"""   """'),
    "an empty module": (untitled, "buildgraph/rule.py", ""),
    "501 lines": (too_long, "buildgraph/rule.py", "x = 1\n" * 501),
}
INNOCENT = {
    "the same floor": (looks_up, "buildgraph/schema.py", "from buildgraph.graph import order"),
    "a lower floor": (looks_up, "buildgraph/cli/build.py", "from buildgraph.workspace import Workspace"),
    "another library": (looks_up, "buildgraph/errors.py", "import os.path\nfrom dataclasses import dataclass"),
    "lmdb at home": (borrows, "buildgraph/store/environment.py", "import lmdb"),
    "a rule imports a rule": (knows_rules, "rules/pack.py", "from buildgraph.rules import files"),
    "a text about rules": (knows_rules, "buildgraph/cli/managing.py", "X = 'from buildgraph.rules import files\\n'"),
    "the command line": (ambient, "buildgraph/cli/build.py", "import os\nx = os.environ"),
    "an environment passed in": (ambient, "buildgraph/rule.py", "x = environment['HOME']"),
    "a method called eval": (dangerous, "buildgraph/rule.py", "model.eval()"),
    "numpy without pickle": (dangerous, "buildgraph/rule.py", "np.load(f, allow_pickle=False)"),
    "safe YAML": (dangerous, "buildgraph/rule.py", "import yaml\nx = yaml.safe_load('')"),
    "500 lines": (too_long, "buildgraph/rule.py", "x = 1\n" * 500),
}


@pytest.mark.parametrize(("detector", "path", "source"), OFFENDERS.values(), ids=OFFENDERS)
def test_a_planted_offender_is_found(detector, path: str, source: str) -> None:  # type: ignore[no-untyped-def]  # any detector
    """The detector can fail, and its report begins with the place."""
    (line, *_) = detector(path, source)
    assert line.startswith(path)


@pytest.mark.parametrize(("detector", "path", "source"), INNOCENT.values(), ids=INNOCENT)
def test_the_innocent_are_left_alone(detector, path: str, source: str) -> None:  # type: ignore[no-untyped-def]  # any detector
    """What merely looks similar is no offence."""
    assert detector(path, source) == []


def test_an_allowance_covers_its_module_only_and_must_be_needed() -> None:
    """So the tables stay as short as they can be."""
    path = "buildgraph/loading/build_file.py"
    assert unexcused([f"{path}:3: uses exec"], {path: "why"}) == []
    assert unexcused(["buildgraph/rule.py:3: uses exec"], {}) == ["buildgraph/rule.py:3: uses exec"]
    assert unexcused([], {"buildgraph/errors.py": "why"}) == [
        "buildgraph/errors.py: is allowed (why) but has nothing to allow"
    ]


def test_a_heavy_import_is_noticed() -> None:
    """Also one that comes along with another."""
    assert loaded_by("yaml") == ["yaml"]
    assert "logging" in loaded_by("concurrent.futures")


def test_a_stray_name_at_the_top_is_noticed() -> None:
    """A script, a folder, a second configuration."""
    assert unexpected(["setup.cfg", "docs", "README.md", ".gitignore", "build", "x.egg-info"]) == ["setup.cfg", "docs"]
