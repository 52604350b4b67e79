"""Ways in which a name gets into a module."""

from __future__ import annotations

from benchmarks.edits.model import Edit, either, family, must_hit, must_run, put, swap

_GROUP = "imports"
_TEXT = "def clean(words):\n    return words[:2]\n\n\ndef other():\n    return 'this'\n"
_REACHED = ("words[:2]", "words[:1]")
_ASIDE = ("'this'", "'that'")


def _pair(name: str, imports: str, call: str, why: str, place: str = "app/text.py", **more: str) -> list[Edit]:
    """A step that gets at `clean` of the module at `place`, which also holds a function that nobody calls."""
    step = f"{imports}\n\n\ndef answer(path):\n    return {call}('abc')\n"
    files = {"app/step.py": step, place: _TEXT, **{_path(key): text for key, text in more.items()}}
    return family(
        _GROUP, files,
        must_run(name, why, swap(place, *_REACHED)),
        must_hit(f"{name}: unrelated", "the step never gets there", swap(place, *_ASIDE)),
    )  # fmt: skip


def _path(key: str) -> str:
    """`app__deep__init` is app/deep/__init__.py, `app__deep__text` is app/deep/text.py."""
    return "/".join(key.split("__")).removesuffix("/init") + ("/__init__.py" if key.endswith("__init") else ".py")


EDITS = [
    *_pair("star import", "from app.text import *", "clean", "every public name comes along"),
    *family(
        _GROUP,
        {
            "app/step.py": "LIMIT = 1\nfrom app.text import *\n\n\ndef answer(path):\n    return [clean('abc'), LIMIT]\n",
            "app/text.py": "__all__ = ['clean']\nLIMIT = 2\n\n\ndef clean(words):\n    return words[:2]\n\n\ndef other():\n    return 'this'\n",
        },
        must_run("star import with __all__", "the name is listed", swap("app/text.py", *_REACHED)),
        must_hit("star import with __all__: unrelated", "the name is not listed", swap("app/text.py", *_ASIDE)),
        must_run("__all__ gets a name", "it now hides a constant of the step", swap("app/text.py", "['clean']", "['clean', 'LIMIT']")),
    ),
    *family(
        _GROUP,
        {"app/step.py": "LIMIT = 1\nfrom app.text import *\n\n\ndef answer(path):\n    return LIMIT\n", "app/text.py": "MAXIMUM = 2\n"},
        must_run("star import gets a new name", "it hides a constant of the step", swap("app/text.py", "MAXIMUM = 2", "LIMIT = 2")),
    ),
    *family(
        _GROUP,
        {"app/step.py": "from app.text import clean\n\n\ndef answer(path):\n    return clean('abc')\n", "app/text.py": "__all__ = ['clean']\n" + _TEXT},
        must_hit("__all__ of a module imported by name", "only star imports read it", swap("app/text.py", "['clean']", "['clean', 'other']")),
    ),
    *_pair("relative import", "from .text import clean", "clean", "the same module by another spelling"),
    *_pair("relative import of a module", "from . import text", "text.clean", "the same module by another spelling"),
    *_pair(
        "relative import two levels up", "from app.deep.leaf import cut", "cut", "through a package below",
        app__deep__init="", app__deep__leaf="from ..text import clean as cut\n",
    ),
    *_pair(
        "re-export through __init__", "from app.deep import clean", "clean", "the package passes it on", "app/deep/text.py",
        app__deep__init="from app.deep.text import clean\n",
    ),
    *_pair(
        "alias import chain", "from app.one import cut as trim", "trim", "three names for one function",
        app__one="from app.two import shorten as cut\n", app__two="from app.text import clean as shorten\n",
    ),
    *_pair("module alias", "import app.text as t", "t.clean", "the alias is followed"),
    *_pair("dotted import", "import app.text", "app.text.clean", "the attribute chain is followed"),
    *_pair(
        "submodule used as an attribute", "import app.deep", "app.deep.text.clean", "another module has imported it", "app/deep/text.py",
        app__deep__init="from . import text\n",
    ),
    *_pair("import inside a function", "def cut(words):\n    from app.text import clean\n\n    return clean(words)", "cut", "it happens in the call"),
    *_pair("import inside a class", "class Tools:\n    from app.text import clean\n\n    clean = staticmethod(clean)", "Tools.clean", "a class body is code"),
    *_pair(
        "circular import", "import app.text\n\nSIZE = 2", "app.text.enter", "two modules import each other", "app/kernel.py",
        app__text="import app.step\nfrom app.kernel import clean\n\n\ndef enter(words):\n    return clean(words) * app.step.SIZE\n",
    ),
    *_pair("namespace package", "from app_space.text import clean", "clean", "a folder without __init__.py", "app_space/text.py"),
    *_pair(
        "try, except ImportError", "try:\n    from app.text import clean\nexcept ImportError:\n    from app.slow import clean", "clean", "the first one is there",
        app__slow="def clean(words):\n    return words\n",
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "try:\n    from app.fast import clean\nexcept ImportError:\n    from app.slow import clean\n\n\ndef answer(path):\n    return clean('abc')\n",
            "app/slow.py": _TEXT,
        },
        must_run("fallback of a failed import", "the first one is missing", swap("app/slow.py", *_REACHED)),
        must_run("module that was missing appears", "the first import now works", put("app/fast.py", "def clean(words):\n    return 'fast'\n")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "try:\n    from app.fast import clean\nexcept ImportError:\n    from app.slow import clean\n\n\ndef answer(path):\n    return clean('abc')\n",
            "app/fast.py": "def clean(words):\n    return words\n",
            "app/slow.py": "def clean(words):\n    return 'this'\n",
        },
        either("fallback of an import that works", "only running the first import shows that it works", swap("app/slow.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import sys\n\nif sys.version_info >= (3, 8):\n    from app.new import clean\nelse:\n    from app.old import clean\n\n\ndef answer(path):\n    return clean('abc')\n",
            "app/new.py": _TEXT,
            "app/old.py": "def clean(words):\n    return 'this'\n",
        },
        must_run("conditional import", "the condition holds", swap("app/new.py", *_REACHED)),
        either("conditional import, other branch", "only evaluating the condition shows that it is dead", swap("app/old.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from app.types import Words\n\n\ndef cut(words: Words) -> Words:\n    return words[:2]\n\n\ndef answer(path):\n    return cut('abc')\n",
            "app/types.py": "Words = str\n",
        },
        must_hit("import for type checking", "it never happens at run time", swap("app/types.py", "= str", "= str | list")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app import LIMIT\n\n\ndef answer(path):\n    return LIMIT\n",
            "app/__init__.py": "LIMIT = 2\nOTHER = 'this'\n",
        },
        must_run("constant of the package", "the step reads it", swap("app/__init__.py", "LIMIT = 2", "LIMIT = 3")),
        must_hit("constant of the package: unrelated", "nothing reads it", swap("app/__init__.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {"app/step.py": "from app.text import LIMIT as TOP\n\n\ndef answer(path):\n    return TOP\n", "app/text.py": "LIMIT = 2\nOTHER = 'this'\n"},
        must_run("constant under another name", "the step reads it", swap("app/text.py", "LIMIT = 2", "LIMIT = 3")),
        must_hit("constant under another name: unrelated", "nothing reads it", swap("app/text.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import app.one\nimport app.two\nfrom app.table import FOUND\n\n\ndef answer(path):\n    return FOUND\n",
            "app/table.py": "FOUND = []\n",
            "app/one.py": "from app.table import FOUND\n\nFOUND.append(1)\n",
            "app/two.py": "from app.table import FOUND\n\nFOUND.append(2)\n",
            "app/three.py": "from app.table import FOUND\n\nFOUND.append(3)\n",
        },
        must_run("imports with effects reordered", "each appends to one list", swap("app/step.py", "import app.one\nimport app.two\n", "import app.two\nimport app.one\n")),
        must_run("import for its effect added", "it appends to the list", swap("app/step.py", "import app.two\n", "import app.two\nimport app.three\n")),
    ),
    *family(
        _GROUP,
        {"app/step.py": "from app.text import clean\n\n\ndef answer(path):\n    return clean('abc')\n", "app/text.py": _TEXT, "app/spare.py": "SIZE = 2\n"},
        either("unused import of own code added", "an import runs a module; only a look into it shows that nothing happens", swap("app/step.py", "from app.text", "import app.spare\nfrom app.text")),
        must_hit("module that nothing imports", "it is never run", swap("app/spare.py", "2", "3")),
        must_hit("new module beside the others", "nothing imports it", put("app/extra.py", "SIZE = 2\n")),
        must_run("package that hides a module", "a folder comes before a file of the same name", put("app/text/__init__.py", "def clean(words):\n    return 'package'\n")),
    ),
    *family(
        _GROUP,
        {"app/step.py": "def answer(path):\n    return 2\n", "app/test_step.py": "from app.step import answer\n\n\ndef test_answer():\n    assert answer('') == 2\n"},
        must_hit("test module beside the step", "the step does not import its tests", swap("app/test_step.py", "== 2", "> 1")),
    ),
]
