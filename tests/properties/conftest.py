"""Random workspaces: a model of one that can be edited in every way a user can, and the folder that follows the model."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import strategies as st

from buildgraph import answers
from buildgraph.errors import UsageError
from buildgraph.testing import Built, TemporaryWorkspace

CONTENTS = ("", "a", "b", "c", "ab", "ba", "one\ntwo\n", "two\none\n", "!a", "!b", "large" * 14_000)
SOURCES = ("s0", "s1", "s2")
KINDS = ("mix", "first", "short", "tree", "cat", "group", "once")
DEEP = "lib/deep.py"

FUNCTIONS = '''"""What the targets call."""

from pathlib import Path

from lib.mid import twist


def text(value):
    if isinstance(value, Path):
        files = [value] if value.is_file() else sorted(path for path in value.rglob("*") if path.is_file())
        return "".join(path.read_text() for path in files)
    return str(value)


def checked(parents):
    texts = [text(value) for value in parents.values()]
    if any("!" in each for each in texts):
        raise ValueError("a source says no")
    return texts


def mix(*, salt, **parents):
    return twist("|".join([str(salt), *checked(parents)]))


def first(*, salt, **parents):
    return {"first": [text(value) for value in list(parents.values())[:1]], "salt": salt % 2}


def tree(*, salt, out_dir, **parents):
    (out_dir / "a.txt").write_text(f"{salt} {''.join(checked(parents))}")
    (out_dir / "sub" / "b.txt").write_text("always the same")
'''
OTHER = '''"""A function that knows nothing of the helpers."""


def short(*, salt, **parents):
    return len(repr(sorted(parents))) % 2 + salt % 2


def once(*, salt, **parents):
    return b"bytes" * (salt % 3)
'''


@dataclass(frozen=True)
class Target:
    """A declared target: what it is, the names of its parents, a number in its config, and its package."""

    kind: str
    parents: tuple[str, ...] = ()
    salt: int = 0
    package: str = ""


@dataclass(frozen=True)
class Model:
    """All that a build may depend on."""

    sources: dict[str, str]
    targets: dict[str, Target]
    helper: int = 0

    def labels(self) -> list[str]:
        return [self.label(name) for name in self.targets]

    def label(self, name: str) -> str:
        return f"//:{name}" if name in self.sources else f"//{self.targets[name].package}:{name}"

    def identity(self) -> str:
        """Equal for models whose builds must be equal."""
        return repr((sorted(self.sources.items()), sorted(self.targets.items()), self.helper))

    def files(self, comments: int) -> dict[str, str]:
        """The workspace as files; `comments` changes them without changing what they mean."""
        note = f"# note {comments}\n"
        files = {
            "lib/__init__.py": "",
            "lib/functions.py": note + FUNCTIONS,
            "lib/other.py": OTHER,
            "lib/mid.py": "from lib.deep import SHIFT\n\n\ndef twist(text):\n    return text.upper() * (1 + SHIFT)\n",
            DEEP: f"{note}SHIFT = {self.helper}\n",
        }
        files |= {f"data/{name}.txt": content for name, content in self.sources.items()}
        lines = {package: [note, "from buildgraph.rules import command, files, group, python"] for package in ("", "pkg")}
        lines[""] += [f"files({name!r}, srcs=['data/{name}.txt'])" for name in self.sources]
        for name, target in self.targets.items():
            lines[target.package].append(self.declaration(name, target))
        return files | {"BUILD.py": "\n".join(lines[""]), "pkg/BUILD.py": "\n".join(lines["pkg"])}

    def declaration(self, name: str, target: Target) -> str:
        labels = [self.label(parent) for parent in target.parents]
        if target.kind == "group":
            return f"group({name!r}, deps={labels!r})"
        if target.kind == "cat":
            return f"command({name!r}, cmd='cat /dev/null $(in) | tr a-m n-z > $(out)', srcs={labels!r}, outs=['o.txt'])"
        needs = {f"p{number}": label for number, label in enumerate(labels)}
        module = "other" if target.kind in ("short", "once") else "functions"
        outs = ", outs=['a.txt', 'sub/b.txt']" if target.kind == "tree" else ""
        return f"python({name!r}, fn='lib.{module}:{target.kind}', needs={needs!r}, config={{'salt': {target.salt}}}{outs})"

    def usable(self, parents: list[str], kind: str) -> tuple[str, ...]:
        """Those parents that a target of this kind can have: groups have no value."""
        if kind in ("cat", "group"):
            return tuple(dict.fromkeys(parents))
        return tuple(name for name in parents if name in self.sources or self.targets[name].kind != "group")


@dataclass
class Life:
    """A workspace that follows a model through edits, builds and accidents, and is compared with clean builds."""

    folder: Path
    model: Model
    workspace: TemporaryWorkspace
    counter: int = 0
    comments: int = 0
    previous: dict[str, list[str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)  # models that were built with nothing lost since
    written: dict[str, str] = field(default_factory=dict)

    def number(self) -> int:
        self.counter += 1
        return self.counter

    def follow(self) -> None:
        """Make the files what the model says."""
        files = self.model.files(self.comments)
        self.workspace.write({name: text for name, text in files.items() if self.written.get(name) != text})
        for name in self.written.keys() - files.keys():
            self.workspace.remove(name)
        self.written = files

    def change(self, **parts: Any) -> None:
        self.model = replace(self.model, **parts)

    def set_source(self, name: str, content: str) -> None:
        self.previous.setdefault(name, []).append(self.model.sources[name])
        self.change(sources={**self.model.sources, name: content})

    # what can happen; `a` and `b` choose among the possibilities

    def change_source(self, a: int, b: int) -> None:
        self.set_source(SOURCES[a % 3], CONTENTS[b % len(CONTENTS)])

    def revert_source(self, a: int, b: int) -> None:
        name = SOURCES[a % 3]
        if self.previous.get(name):
            self.change(sources={**self.model.sources, name: self.previous[name].pop()})

    def change_source_and_hide_it(self, a: int, b: int) -> None:
        """An edit that leaves size and modification time as they were."""
        name = SOURCES[a % 3]
        path = self.workspace.root / "data" / f"{name}.txt"
        before = os.stat(path)
        content = self.model.sources[name]
        self.set_source(name, "".join(chr(98 + (ord(c) + b) % 20) for c in content) if len(content) < 9 else content[::-1])
        self.follow()
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def swap_sources(self, a: int, b: int) -> None:
        """Which contents there are stays as it was; which target sees which does not."""
        first, second = SOURCES[a % 3], SOURCES[(a + 1) % 3]
        before = self.model.sources
        self.change(sources={**before, first: before[second], second: before[first]})

    def touch_source(self, a: int, b: int) -> None:
        os.utime(self.workspace.root / "data" / f"{SOURCES[a % 3]}.txt", ns=(b, b))

    def edit_comments(self, a: int, b: int) -> None:
        self.comments += 1

    def edit_helper(self, a: int, b: int) -> None:
        """Two modules away from what the targets name."""
        self.change(helper=b % 3)

    def edit_config(self, a: int, b: int) -> None:
        name, target = self._target(a)
        self._put(name, replace(target, salt=b % 5))

    def add_target(self, a: int, b: int) -> None:
        kind = KINDS[a % len(KINDS)]
        known = [*self.model.sources, *self.model.targets]
        parents = self.model.usable([known[b % len(known)], known[(a + b) % len(known)]], kind)
        self._put(f"n{self.number()}", Target(kind, tuple(dict.fromkeys(parents)), b % 5, ("", "pkg")[b % 2]))

    def remove_target(self, a: int, b: int) -> None:
        if len(self.model.targets) > 1:
            name, _ = self._target(a)
            kept = {
                each: replace(target, parents=tuple(parent for parent in target.parents if parent != name))
                for each, target in self.model.targets.items()
                if each != name
            }
            self.change(targets=kept)

    def flip_edge(self, a: int, b: int) -> None:
        name, target = self._target(a)
        before = [*self.model.sources, *list(self.model.targets)[: list(self.model.targets).index(name)]]
        parent = before[b % len(before)]
        kept = [each for each in target.parents if each != parent]
        wanted = kept if len(kept) < len(target.parents) else [*kept, parent]
        self._put(name, replace(target, parents=self.model.usable(wanted, target.kind)))

    def rename_target(self, a: int, b: int) -> None:
        name, _ = self._target(a)
        other = f"r{self.number()}"
        renamed = {
            (other if each == name else each): replace(
                target, parents=tuple(other if parent == name else parent for parent in target.parents)
            )
            for each, target in self.model.targets.items()
        }
        self.change(targets=renamed)

    def move_target(self, a: int, b: int) -> None:
        name, target = self._target(a)
        self._put(name, replace(target, package="" if target.package else "pkg"))

    def delete_outputs(self, a: int, b: int) -> None:
        shutil.rmtree(self.workspace.root / "build", ignore_errors=True)

    def edit_output(self, a: int, b: int) -> None:
        files = sorted(path for path in (self.workspace.root / "build").rglob("*") if path.is_file())
        if files:
            files[a % len(files)].write_text(f"edited {b}")

    def delete_output(self, a: int, b: int) -> None:
        files = sorted(path for path in (self.workspace.root / "build").rglob("*") if path.is_file())
        if files:
            files[a % len(files)].unlink()

    def add_foreign_output(self, a: int, b: int) -> None:
        name, _ = self._target(a)
        folder = self.workspace.output(self.model.label(name), ".")
        if folder.is_dir():
            (folder / "foreign").mkdir(exist_ok=True)
            (folder / "foreign" / "file").write_text("not ours")

    def forget_the_ledger(self, a: int, b: int) -> None:
        shutil.rmtree(self.workspace.root / ".buildgraph", ignore_errors=True)

    def lose_a_blob(self, a: int, b: int) -> None:
        """Drop from the store what an output needs; every other time damage it instead, if it is a file."""
        name, _ = self._target(a)
        with self.workspace.workspace().open("lose") as session:
            try:
                shown = answers.show(session, self.model.label(name))
            except UsageError:
                return
            lost = [shown.result.value.blob, *(digest for _, digest, _ in shown.files)]
            digest = lost[b % len(lost)]
            file = session.store.path(digest)
            if file is not None and b % 2:
                os.chmod(file, 0o644)
                with open(file, "r+b") as blob:
                    blob.write(b"damaged")
            else:
                session.store.forget(digest)
        self.seen.clear()

    def move_the_workspace(self, a: int, b: int) -> None:
        self.workspace.move(self.folder / f"moved-{self.number()}")

    def _target(self, a: int) -> tuple[str, Target]:
        names = list(self.model.targets)
        name = names[a % len(names)]
        return name, self.model.targets[name]

    def _put(self, name: str, target: Target) -> None:
        self.change(targets={**self.model.targets, name: target})

    # what must hold

    def clean_build(self, labels: list[str]) -> tuple[Built, dict[str, dict[str, bytes]]]:
        """The build of the same sources elsewhere, with an empty store."""
        place = self.folder / f"clean-{self.number()}"
        clean = self.workspace.copy(place / "ws", place / "store")
        clean.runner = "inline"
        built = clean.build(*labels, keep_going=True)
        outputs = clean.outputs(sorted(built.report.outputs))
        shutil.rmtree(place)
        return built, outputs

    def build_and_compare(self, asked: int | None = None) -> Built:
        """Build; the outputs must be those of a clean build, and a second build must run nothing."""
        labels = self.model.labels()
        if asked is not None:
            labels = [labels[asked % len(labels)]]
        built = self.workspace.build(*labels, keep_going=True)
        clean, expected = self.clean_build(labels)
        assert sorted(built.report.errors) == sorted(clean.report.errors)
        assert sorted(built.report.outputs) == sorted(expected)
        assert self.workspace.outputs(sorted(built.report.outputs)) == expected
        identity = repr(labels) + self.model.identity()
        if identity in self.seen:
            assert built.ran == [], "this very state was built before"
        if built.ok:
            self.seen.add(identity)
        again = self.workspace.build(*labels, keep_going=True)
        assert again.ran == [], "a second build ran something"
        assert self.workspace.outputs(sorted(again.report.outputs)) == expected
        return built


Happening = Callable[[Life, int, int], None]
Script = list[tuple[Happening, int, int, int | None]]
HAPPENINGS: tuple[Happening, ...] = (
    Life.change_source, Life.revert_source, Life.change_source_and_hide_it, Life.swap_sources, Life.touch_source,
    Life.edit_comments, Life.edit_helper, Life.edit_config, Life.add_target, Life.remove_target, Life.flip_edge, Life.rename_target,
    Life.move_target, Life.delete_outputs, Life.edit_output, Life.delete_output, Life.add_foreign_output,
    Life.forget_the_ledger, Life.lose_a_blob, Life.move_the_workspace,
)  # fmt: skip


@st.composite
def models(draw: st.DrawFn, most: int = 6) -> Model:
    """A model with up to `most` targets; each needs sources and earlier targets."""
    model = Model({name: draw(st.sampled_from(CONTENTS[:7])) for name in SOURCES}, {})
    for number in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(KINDS))
        known = [*model.sources, *model.targets]
        parents = draw(st.lists(st.sampled_from(known), max_size=3, unique=True))
        target = Target(kind, model.usable(parents, kind), draw(st.integers(0, 4)), draw(st.sampled_from(("", "pkg"))))
        model = replace(model, targets={**model.targets, f"t{number}": target})
    return model


def scripts(most: int = 4, *, of: Sequence[Happening] = HAPPENINGS) -> st.SearchStrategy[Script]:
    """What happens to a workspace: each happening with its two choices, and which target is asked for after it."""
    asked = st.one_of(st.none(), st.none(), st.integers(0, 9))
    step = st.tuples(st.sampled_from(of), st.integers(0, 9), st.integers(0, 99), asked)
    return st.lists(step, min_size=1, max_size=most)


@contextmanager
def life(model: Model, *, runner: str = "inline", jobs: int = 2) -> Iterator[Life]:
    """A workspace that starts as `model`, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="buildgraph-life-") as name:
        folder = Path(name)
        workspace = TemporaryWorkspace(folder / "ws", folder / "store", runner, jobs)
        started = Life(folder, model, workspace)
        started.follow()
        yield started


def live(model: Model, script: Script, *, runner: str = "inline", jobs: int = 2) -> None:
    """Build `model`, then let everything in `script` happen, building and comparing after each."""
    with life(model, runner=runner, jobs=jobs) as it:
        it.build_and_compare()
        for happening, a, b, asked in script:
            happening(it, a, b)
            it.follow()
            it.build_and_compare(asked)


@pytest.fixture(scope="session")
def world() -> SimpleNamespace:
    """The random workspaces, for tests that build them differently."""
    return SimpleNamespace(life=life, live=live, models=models, scripts=scripts, Life=Life, Model=Model, Target=Target)
