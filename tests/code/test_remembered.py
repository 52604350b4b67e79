"""What is remembered of a closure never differs from what is found anew, whatever happens to the project in between."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from buildgraph.code import CodeIndex
from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError

MODULES = ("a", "b", "c", "p", "p.x", "p.y", "q", "q.r", "q.r.s")
NAMES = ("f", "g", "h", "K", "T", "C")
ENTRIES = ("app.step:answer", "app.a", "app.step:f")


def read(path: str) -> tuple[bytes, Digest]:
    content = Path(path).read_bytes()
    return content, Digest.of(content)


def _statement(dice: random.Random) -> str:
    """Something that binds one of a few names, or reaches one of a few modules, files and distributions."""
    module, name, other, k = dice.choice(MODULES), dice.choice(NAMES), dice.choice(NAMES), dice.randint(1, 3)
    return dice.choice((
        f"def {name}(): return {k}", f"def {name}(): return {other}()", f"def {name}(x={k}): return x", f"{name} = {k}", f"{name} = [{other}, {k}]",
        f"class {name}: v = {k}", f"class {name}({other}): v = {k}", f"{name} = []\n{name}.append({k})", f"T.update(a={k})", f"print({k})",
        f"import app.{module}", f"from app.{module} import {name}", f"from app.{module} import {name} as {other}", f"from app.{module} import *",
        f"import app.{module} as {other}", f"from . import {module.partition('.')[0]} as {other}", f"__all__ = ['{name}', '{other}']",
        f"try:\n    from app.{module} import {name}\nexcept ImportError:\n    {name} = {k}", f"if {k} > 1:\n    def {name}(): return {other}\nelse:\n    {name} = 0",
        "T = {}\ndef register(fn):\n    T[fn.__name__] = fn\n    return fn", f"from app.{module} import register", f"@register\ndef {name}(): return {k}",
        f"import vendor\ndef {name}(): return vendor.V", f"import other\n{name} = other", f"import loose\ndef {name}(): return loose.V", f"import top{k}\n{name} = top{k}.x",
        f"from pathlib import Path\ndef {name}(): return (Path(__file__).parent / 'd{k}.txt').read_text()", f"def {name}():\n    import app.{module}\n    return app.{module}.{other}",
        f"from importlib.resources import files\ndef {name}(): return files('app').joinpath('d{k}.txt').read_text()", f"import inspect\ndef {name}(): return inspect.getsource({other})",
        f"import importlib\ndef {name}(): return importlib.import_module('app.{module}').{other}", f"import importlib\ndef {name}(x): return importlib.import_module(f'app.p.{{x}}')",
        f"def {name}(): return globals()['{other}']", f"def {name}(): return 'app.{module}'", f"import os\n{name} = os.environ.get('E{k}')", f"def {name}(): return C.__subclasses__()",
        f"def {name}():\n    '''doc{k}'''\n    return {other}.__doc__", f"from importlib.metadata import version\n{name} = version('vendor')", f"def __getattr__(name): return {k}",
    ))  # fmt: skip


def _body(dice: random.Random) -> str:
    return "".join(f"{_statement(dice)}\n" for _ in range(dice.randint(0, 6)))


def _step(dice: random.Random) -> str:
    return f"{_body(dice)}def f(): return 1\ndef answer():\n    return [{', '.join(dice.sample(NAMES, 3))}]\n"


def _place(root: Path, module: str) -> Path:
    place = root / "app" / Path(*module.split("."))
    return place / "__init__.py" if module in ("p", "q", "q.r") else place.with_suffix(".py")


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _install(root: Path, name: str, version: str) -> None:
    for folder in (root / "site").glob(f"{name}-*"):
        shutil.rmtree(folder)
    _put(root / f"site/{name}.py", f"V = '{version}'\n")
    _put(root / f"site/{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    _put(root / f"site/{name}-{version}.dist-info/RECORD", f"{name}.py,,\n")


def _project(root: Path, dice: random.Random) -> None:
    _put(root / "app/__init__.py", dice.choice(("", _body(dice))))
    for module in MODULES:
        if dice.random() < 0.8:
            _put(_place(root, module), _body(dice))
    _put(root / "app/step.py", _step(dice))
    _put(root / "app/d1.txt", "x")
    _install(root, "vendor", "1.0")
    _put(root / "site/loose.py", "V = 1\n")


def _toggle(path: Path, text: str) -> None:
    path.unlink() if path.exists() else _put(path, text)


def _become_package(file: Path) -> None:
    if file.stem not in ("step", "__init__"):
        file.with_suffix("").mkdir(exist_ok=True)
        shutil.move(file, file.with_suffix("") / "__init__.py")


def _become_module(root: Path, name: str, text: str) -> None:
    shutil.rmtree(root / "app" / name, ignore_errors=True)
    _put(root / f"app/{name}.py", text)


def _renumber(file: Path, dice: random.Random) -> None:
    text = file.read_text()
    digits = [at for at, letter in enumerate(text) if letter in "123"]
    if digits:
        at = dice.choice(digits)
        file.write_text(text[:at] + dice.choice("1234") + text[at + 1 :])


def _edit(root: Path, dice: random.Random) -> str:
    """Changes something of the project, and says what."""
    file = dice.choice([path for path in sorted(root.rglob("*.py")) if "site" not in path.parts])
    kept = file.stem in ("step", "__init__")
    edits: dict[str, Callable[[], object]] = {
        "statement added behind": lambda: _put(file, file.read_text() + _statement(dice) + "\n"),
        "statement added before": lambda: _put(file, _statement(dice) + "\n" + file.read_text()),
        "number changed": lambda: _renumber(file, dice),
        "comment added": lambda: _put(file, "# c\n" + file.read_text()),
        "module rewritten": lambda: _put(file, _step(dice) if file.stem == "step" else _body(dice)),
        "module removed": lambda: None if kept else file.unlink(),
        "module renamed": lambda: None if kept else file.rename(file.with_name(f"{dice.choice('abcxy')}.py")),
        "module added": lambda: _put(_place(root, dice.choice(MODULES)), _body(dice)),
        "module became a package": lambda: _become_package(file),
        "package became a module": lambda: _become_module(root, dice.choice("pq"), _body(dice)),
        "folder added": lambda: (root / "app" / dice.choice("abn")).mkdir(exist_ok=True),
        "data file changed": lambda: _put(root / f"app/d{dice.randint(1, 3)}.txt", str(dice.random())),
        "data file came or went": lambda: _toggle(root / f"app/d{dice.randint(1, 3)}.txt", "x"),
        "top-level module came or went": lambda: _toggle(root / f"top{dice.randint(1, 3)}.py", _body(dice)),
        "compiled module came or went": lambda: _toggle(root / "app/a.so", "x"),
        "distribution installed": lambda: _install(root, dice.choice(("vendor", "other")), dice.choice(("1.0", "2.0", "3.0"))),
        "loose installed module edited": lambda: _put(root / "site/loose.py", f"V = {dice.random()}\n"),
    }
    name = dice.choice(list(edits))
    edits[name]()
    return name


def _found(root: Path, entry: str, memo: dict[bytes, bytes]) -> object:
    try:
        return CodeIndex(str(root), search=[str(root / "site")], read=read, memo=memo).of(entry)
    except BuildgraphError as error:
        return error.code


@pytest.mark.parametrize("seed", range(24))
def test_random_edits_leave_nothing_remembered_that_is_not_so(tmp_path: Path, seed: int) -> None:
    dice, memo, trail = random.Random(seed), dict[bytes, bytes](), ["made"]
    _project(tmp_path, dice)
    for _ in range(12):
        for entry in ENTRIES:
            assert _found(tmp_path, entry, memo) == _found(tmp_path, entry, {}), f"{entry} after {', '.join(trail)}"
        trail.append(_edit(tmp_path, dice))


def test_an_upgrade_is_noticed_although_nothing_is_imported_from_there(tmp_path: Path) -> None:
    memo = dict[bytes, bytes]()
    _install(tmp_path, "vendor", "1.0")
    _put(tmp_path / "app/__init__.py", "")
    _put(tmp_path / "app/step.py", "from importlib.metadata import version\n\n\ndef answer():\n    return version('vendor')\n")
    before = _found(tmp_path, "app.step:answer", memo)
    _install(tmp_path, "vendor", "2.0")
    assert _found(tmp_path, "app.step:answer", memo) == _found(tmp_path, "app.step:answer", {}) != before
