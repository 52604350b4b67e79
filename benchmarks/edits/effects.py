"""Code that runs when a module is imported, and what it leaves behind."""

from __future__ import annotations

from benchmarks.edits.model import either, family, must_hit, must_run, put, swap

_GROUP = "import-time effects"
_ASIDE = ("'this'", "'that'")
_REGISTRY = """\
TABLE = {}


def register(name):
    def decorate(function):
        TABLE[name] = function
        return function

    return decorate


def unregister(name):
    return 'this'
"""
_PLUGINS = """\
from app.registry import register


@register("rate")
def rate(count):
    return count * 2


@register("tax")
def tax(count):
    return 'this'


def spare():
    return 'idle'
"""

EDITS = [
    *family(
        _GROUP,
        {"app/step.py": _REGISTRY + _PLUGINS.split("\n", 1)[1] + "\n\ndef answer(path):\n    return TABLE['rate'](2)\n"},
        must_run("registry in the module", "the decorated function is looked up by name", swap("app/step.py", "count * 2", "count * 3")),
        must_run("registry's key", "the look-up finds another function", swap("app/step.py", '"tax"', '"rate"')),
        must_hit("registry in the module: unrelated", "not decorated, not called", swap("app/step.py", "'idle'", "'busy'")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import app.plugins\nfrom app.registry import TABLE\n\n\ndef answer(path):\n    return TABLE['rate'](2)\n",
            "app/registry.py": _REGISTRY,
            "app/plugins.py": _PLUGINS,
        },
        must_run("registry filled by a plug-in", "the module is imported for its effect only", swap("app/plugins.py", "count * 2", "count * 3")),
        must_hit("registry filled by a plug-in: unrelated", "not decorated, not called", swap("app/plugins.py", "'idle'", "'busy'")),
        either("other entry of the registry", "only the run shows which entry is looked up", swap("app/plugins.py", *_ASIDE)),
        must_run("registry's decorator", "it decides what is kept", swap("app/registry.py", "TABLE[name] = function", "TABLE[name] = lambda count: -function(count)")),
        must_hit("function beside the registry", "nothing calls it", swap("app/registry.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import app.kinds\nfrom app.base import Base\n\n\ndef answer(path):\n    return sorted(kind().size() for kind in Base.__subclasses__())\n",
            "app/base.py": "class Base:\n    pass\n",
            "app/kinds.py": "from app.base import Base\n\n\nclass Small(Base):\n    def size(self):\n        return 1\n\n\nclass Lone:\n    def size(self):\n        return 'this'\n",
        },
        must_run("registry by __subclasses__", "the step finds the class without its name", swap("app/kinds.py", "return 1", "return 2")),
        must_run("new subclass", "the step finds the class without its name", swap("app/kinds.py", "class Lone:\n    def size(self):\n        return 'this'", "class Lone(Base):\n    def size(self):\n        return 9")),
        must_hit("registry by __subclasses__: unrelated", "it is no subclass", swap("app/kinds.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app.base import Base\nfrom app.kinds import Small\n\n\ndef answer(path):\n    return [kind.__name__ for kind in Base.found]\n",
            "app/base.py": "class Base:\n    found = []\n\n    def __init_subclass__(cls):\n        Base.found.append(cls)\n",
            "app/kinds.py": "from app.base import Base\n\n\nclass Small(Base):\n    pass\n",
        },
        must_run("registry by __init_subclass__", "every subclass enters it", swap("app/kinds.py", "class Small(Base):\n    pass\n", "class Small(Base):\n    pass\n\n\nclass Large(Base):\n    pass\n")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import app.kinds\nfrom app.show import show\n\n\ndef answer(path):\n    return show(2)\n",
            "app/show.py": "from functools import singledispatch\n\n\n@singledispatch\ndef show(value):\n    return 'any'\n",
            "app/kinds.py": "from app.show import show\n\n\n@show.register\ndef _(value: int):\n    return 'int'\n\n\ndef spare():\n    return 'this'\n",
        },
        must_run("singledispatch registration", "the call goes to what another module registered", swap("app/kinds.py", "'int'", "'number'")),
        must_run("singledispatch type", "an annotation decides where the call goes", swap("app/kinds.py", "value: int", "value: str")),
        must_hit("singledispatch registration: unrelated", "not registered, not called", swap("app/kinds.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import app.patch\nfrom app import tools\n\n\ndef answer(path):\n    return tools.size()\n",
            "app/tools.py": "def size():\n    return 1\n\n\ndef other():\n    return 'this'\n",
            "app/patch.py": "from app import tools\n\n\ndef size():\n    return 2\n\n\ndef spare():\n    return 'idle'\n\n\ntools.size = size\n",
        },
        must_run("monkeypatch", "the step calls the replacement", swap("app/patch.py", "return 2", "return 3")),
        must_run("monkeypatch removed", "the step calls the original again", swap("app/patch.py", "tools.size = size\n", "")),
        must_hit("monkeypatch: unrelated", "nothing calls it", swap("app/patch.py", "'idle'", "'busy'")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import app.patch\nfrom app.tools import Box\n\n\ndef answer(path):\n    return Box().size()\n",
            "app/tools.py": "class Box:\n    def size(self):\n        return 1\n",
            "app/patch.py": "from app import tools\n\n\ndef size(self):\n    return 2\n\n\nsetattr(tools.Box, 'size', size)\n",
        },
        must_run("method replaced by setattr", "the step calls the replacement", swap("app/patch.py", "return 2", "return 3")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app.table import SQUARES\n\n\ndef answer(path):\n    return sorted(SQUARES.items())\n",
            "app/table.py": "SQUARES = {}\nfor number in range(3):\n    SQUARES[number] = number**2\n\n\ndef other():\n    return 'this'\n",
        },
        must_run("top-level loop", "it fills the table", swap("app/table.py", "number**2", "number**3")),
        must_hit("top-level loop: unrelated", "nothing calls it", swap("app/table.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app.table import WORDS\n\n\ndef answer(path):\n    return WORDS\n",
            "app/table.py": "from app.more import add\n\nWORDS = ['a']\nWORDS.append('b')\nadd(WORDS)\nWORDS += ['c']\n\n\ndef other():\n    return 'this'\n",
            "app/more.py": "def add(words):\n    words.append('d')\n\n\ndef other():\n    return 'this'\n",
        },
        must_run("top-level method call", "it changes the constant", swap("app/table.py", "append('b')", "append('B')")),
        must_run("top-level call of a helper", "it changes the constant", swap("app/more.py", "append('d')", "append('D')")),
        must_run("augmented assignment", "it changes the constant", swap("app/table.py", "['c']", "['C']")),
        must_hit("top-level call of a helper: unrelated", "nothing calls it", swap("app/more.py", *_ASIDE)),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import os\n\nimport app.settings\n\n\ndef answer(path):\n    return os.environ['APP_SET_HERE']\n",
            "app/settings.py": "import os\n\nos.environ['APP_SET_HERE'] = 'slow'\n",
        },
        must_run("environment set at import", "the step reads it", swap("app/settings.py", "'slow'", "'fast'")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "import random\n\nimport app.settings\n\n\ndef answer(path):\n    return app.settings.SOURCE.random()\n",
            "app/settings.py": "import random\n\nSOURCE = random.Random()\nSOURCE.seed(3)\n",
        },
        must_run("seed set at import", "the step draws from it", swap("app/settings.py", "seed(3)", "seed(4)")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app import tools\n\n\ndef answer(path):\n    return tools.size()\n",
            "app/tools.py": "import sys\n\nif sys.version_info >= (3, 8):\n\n    def size():\n        return 2\n\nelse:\n\n    def size():\n        return 'this'\n\n\ndef other():\n    return 'idle'\n",
        },
        must_run("conditional definition", "the condition holds", swap("app/tools.py", "return 2", "return 3")),
        either("conditional definition, other branch", "only evaluating the condition shows that it is dead", swap("app/tools.py", *_ASIDE)),
        must_hit("conditional definition: unrelated", "nothing calls it", swap("app/tools.py", "'idle'", "'busy'")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app import tools\n\n\ndef answer(path):\n    return tools.size()\n",
            "app/tools.py": "def size():\n    return 2\n\n\ndef main():\n    print('this')\n\n\nif __name__ == '__main__':\n    main()\n    print('done')\n",
        },
        must_hit("code for running as a script", "the module is imported, not run", swap("app/tools.py", "print('done')", "print('over')")),
        must_hit("function for running as a script", "the module is imported, not run", swap("app/tools.py", "print('this')", "print('that')")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app import tools\n\n\ndef answer(path):\n    return vars(tools).get('SECOND', 0)\n",
            "app/tools.py": "FIRST = 1\nSECOND = 2\ndel SECOND\n",
        },
        must_run("del of a name", "the name is gone when the step looks", put("app/tools.py", "FIRST = 1\nSECOND = 2\n")),
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app.tools import size\n\n\ndef answer(path):\n    return size()\n",
            "app/tools.py": "def size():\n    return 2\n\n\ndef twice(function):\n    return lambda: function() * 2\n\n\ndef thrice(function):\n    return lambda: function() * 3\n\n\nsize = twice(size)\n",
        },
        must_run("function wrapped by assignment", "the name now holds the wrapper", swap("app/tools.py", "() * 2", "() * 4")),
        must_hit("function wrapped by assignment: unrelated", "nothing uses it", swap("app/tools.py", "() * 3", "() * 5")),
    ),
    *family(
        _GROUP,
        {"app/step.py": "import app.probe\n\n\ndef answer(path):\n    return app.probe.READY\n", "app/probe.py": "try:\n    import app_absent\nexcept ImportError:\n    READY = 'no'\nelse:\n    READY = 'yes'\n"},
        must_run("top-level try", "the handler sets the constant", swap("app/probe.py", "'no'", "'never'")),
        must_run("module probed for appears", "the import now works", put("app_absent.py", "")),
    ),
]
