"""Code that is reached by a name in a string, or by one that is computed."""

from __future__ import annotations

from benchmarks.edits.model import Edit, family, must_hit, must_run, put, swap

_GROUP = "names in strings"
_ASIDE = ("'this'", "'that'")


def _pair(name: str, step: str, place: str, text: str, reached: tuple[str, str], why: str, **more: str) -> list[Edit]:
    """A step and the module it reaches; `app/far.py` is never reached."""
    files = {"app/step.py": step, place: text, "app/far.py": "def far():\n    return 'this'\n", **more}
    return family(_GROUP, files, must_run(name, why, swap(place, *reached)))


EDITS = [
    *family(
        _GROUP,
        {
            "app/step.py": "from importlib import import_module\n\nKIND = 'small'\n\n\ndef answer(path):\n    return import_module(f'app.kinds.{KIND}').SIZE\n",
            "app/kinds/__init__.py": "",
            "app/kinds/small.py": "SIZE = 2\n",
            "app/far.py": "SIZE = 'this'\n",
        },
        must_run("plug-in by computed name", "import_module with an f-string", swap("app/kinds/small.py", "2", "3")),
        must_hit("plug-in by computed name: unrelated", "the name surely begins with another package", swap("app/far.py", *_ASIDE)),
    ),
    *_pair(
        "plug-in by joined name", "import importlib\n\n\ndef answer(path):\n    return importlib.import_module('app.kinds.' + 'small').SIZE\n",
        "app/kinds/small.py", "SIZE = 2\n", ("2", "3"), "import_module with a sum", **{"app/kinds/__init__.py": ""},
    ),
    *_pair(
        "relative plug-in", "import importlib\n\n\ndef answer(path):\n    return importlib.import_module('.small', 'app.kinds').SIZE\n",
        "app/kinds/small.py", "SIZE = 2\n", ("2", "3"), "import_module with a package", **{"app/kinds/__init__.py": ""},
    ),
    *_pair(
        "plug-in by __import__", "def answer(path):\n    return __import__('app.small', fromlist=['SIZE']).SIZE\n",
        "app/small.py", "SIZE = 2\n", ("2", "3"), "the old way to import by name",
    ),
    *_pair(
        "plug-in listed in a constant", "from importlib import import_module\n\nPLUGINS = ['app.small']\n\n\ndef answer(path):\n    return [import_module(name).SIZE for name in PLUGINS]\n",
        "app/small.py", "SIZE = 2\n", ("2", "3"), "the usual table of plug-ins",
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app import tools\n\n\ndef answer(path):\n    kind = 'small'\n    return getattr(tools, 'make_' + kind)()\n",
            "app/tools.py": "def make_small():\n    return 2\n",
            "app/far.py": "def make_small():\n    return 'this'\n",
        },
        must_run("getattr with a computed name", "it finds the function in the module", swap("app/tools.py", "return 2", "return 3")),
        must_hit("getattr with a computed name: unrelated", "it looks into another module", swap("app/far.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app import tools\n\n\ndef answer(path):\n    return getattr(tools, 'make')()\n",
            "app/tools.py": "def make():\n    return 2\n",
        },
        must_run("getattr with a literal name", "the same as an attribute", swap("app/tools.py", "return 2", "return 3")),
    ),
    *_pair(
        "getattr on self", "from app.tools import Box\n\n\ndef answer(path):\n    return Box().run('small')\n",
        "app/tools.py", "class Box:\n    def run(self, kind):\n        return getattr(self, 'do_' + kind)()\n\n    def do_small(self):\n        return 2\n",
        ("return 2", "return 3"), "a method by computed name",
    ),
    *_pair(
        "globals()", "from app.tools import call\n\n\ndef answer(path):\n    return call('small')\n",
        "app/tools.py", "def small():\n    return 2\n\n\ndef call(name):\n    return globals()[name]()\n",
        ("return 2", "return 3"), "any name of the module can be meant",
    ),
    *_pair(
        "vars() of a module", "from app import tools\n\n\ndef answer(path):\n    return sorted(name for name in vars(tools) if name.isupper())\n",
        "app/tools.py", "SMALL = 1\n", ("SMALL", "LARGE"), "the step lists names",
    ),
    *_pair(
        "eval", "from app.tools import call\n\n\ndef answer(path):\n    return call('small() + 1')\n",
        "app/tools.py", "def small():\n    return 2\n\n\ndef call(text):\n    return eval(text)\n",
        ("return 2", "return 3"), "code in a string",
    ),
    *_pair(
        "exec of an import", "def answer(path):\n    names = {}\n    exec('from app.tools import small', names)\n    return names['small']()\n",
        "app/tools.py", "def small():\n    return 2\n", ("return 2", "return 3"), "code in a string imports a module",
    ),
    *_pair(
        "sys.modules", "import sys\n\nimport app.tools\n\n\ndef answer(path):\n    return sys.modules['app.tools'].SIZE\n",
        "app/tools.py", "SIZE = 2\n", ("2", "3"), "the table of modules by name",
    ),
    *_pair(
        "attrgetter", "from operator import attrgetter\n\nimport app.tools\n\n\ndef answer(path):\n    return attrgetter('tools.SIZE')(app)\n",
        "app/tools.py", "SIZE = 2\n", ("2", "3"), "an attribute chain in a string",
    ),
    *_pair(
        "pkgutil.resolve_name", "from pkgutil import resolve_name\n\n\ndef answer(path):\n    return resolve_name('app.tools:small')()\n",
        "app/tools.py", "def small():\n    return 2\n", ("return 2", "return 3"), "module and function in one string",
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import importlib\nimport pkgutil\n\nimport app.kinds\n\n\ndef answer(path):\n    names = sorted(found.name for found in pkgutil.iter_modules(app.kinds.__path__))\n    return [importlib.import_module(f'app.kinds.{name}').SIZE for name in names]\n",
            "app/kinds/__init__.py": "",
            "app/kinds/small.py": "SIZE = 2\n",
        },
        must_run("plug-in found by listing", "every module of the package is imported", swap("app/kinds/small.py", "2", "3")),
        must_run("new plug-in found by listing", "a file appears in the package", put("app/kinds/large.py", "SIZE = 4\n")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app import lazy\n\n\ndef answer(path):\n    return lazy.size\n",
            "app/lazy.py": "def __getattr__(name):\n    if name == 'size':\n        return compute()\n    raise AttributeError(name)\n\n\ndef compute():\n    return 2\n\n\ndef other():\n    return 'this'\n",
        },
        must_run("module __getattr__", "reading the missing name calls it", swap("app/lazy.py", "return compute()", "return -compute()")),
        must_run("helper of module __getattr__", "reading the missing name calls it", swap("app/lazy.py", "return 2", "return 3")),
        must_hit("module __getattr__: unrelated", "nothing calls it", swap("app/lazy.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app.lazy import size\n\n\ndef answer(path):\n    return size()\n",
            "app/lazy/__init__.py": "import importlib\n\n_PLACES = {'size': 'app.lazy.sizes'}\n\n\ndef __getattr__(name):\n    return getattr(importlib.import_module(_PLACES[name]), name)\n",
            "app/lazy/sizes.py": "def size():\n    return 2\n",
        },
        must_run("lazy package", "its __getattr__ imports by a table of names", swap("app/lazy/sizes.py", "return 2", "return 3")),
    ),
]
