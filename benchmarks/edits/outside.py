"""What is not code of the project: data files, environment variables, installed distributions."""

from __future__ import annotations

from benchmarks.edits.model import (
    Edit,
    distribution,
    either,
    family,
    must_hit,
    must_run,
    put,
    rewrite,
    swap,
    upgrade,
    variable,
)

_DATA = "data files"
_ENVIRONMENT = "environment"
_INSTALLED = "installed code"


def _reader(name: str, imports: str, read: str, why: str, place: str = "app/words.txt", new: bool = False) -> list[Edit]:
    """A step that reads a data file of its package, beside a file that it does not read."""
    files = {"app/step.py": f"{imports}\n\n\ndef answer(path):\n    return {read}\n", place: "one two\n", "app/notes.md": "this\n"}
    changes = [must_run(name, why, swap(place, "two", "three"))]
    if new:
        changes.append(must_run(f"{name}: new file", "the listing has one more", put(place.replace("words", "more"), "four\n")))
    else:
        changes.append(must_hit(f"{name}: unrelated", "another file, which nothing reads", swap("app/notes.md", "this", "that")))
    return family(_DATA, files, *changes)


_VENDOR = distribution("app_vendor", "1.0", "from app_core import CORE\n\nVALUE = 1 + CORE\n", "app_core")
_CORE = distribution("app_core", "1.0", "CORE = 1\n")
_SPARE = distribution("app_spare", "1.0", "SPARE = 1\n")

EDITS = [
    *_reader("importlib.resources", "from importlib.resources import files", "files('app').joinpath('words.txt').read_text()", "the step reads it"),
    *_reader("importlib.resources with /", "from importlib import resources", "(resources.files('app') / 'words.txt').read_text()", "the step reads it"),
    *_reader("pkgutil.get_data", "import pkgutil", "pkgutil.get_data('app', 'words.txt').decode()", "the step reads it"),
    *_reader("file beside __file__", "from pathlib import Path", "Path(__file__).with_name('words.txt').read_text()", "the step reads it"),
    *_reader(
        "file in a folder beside __file__", "import os\n\nHERE = os.path.dirname(os.path.abspath(__file__))",
        "open(os.path.join(HERE, 'data', 'words.txt')).read()", "the step reads it", "app/data/words.txt",
    ),
    *_reader(
        "file of a computed name", "from importlib.resources import files\n\nKIND = 'words'",
        "files('app').joinpath(f'{KIND}.txt').read_text()", "the step reads it",
    ),
    *_reader(
        "files found by a pattern", "from pathlib import Path",
        "[each.read_text() for each in sorted(Path(__file__).parent.glob('data/*.txt'))]", "the step reads all of them", "app/data/words.txt", new=True,
    ),
    *family(
        _DATA,
        {"app/step.py": "def answer(path):\n    with open(path) as file:\n        return file.read()\n"},
        must_hit("input file touched", "the bytes are the same", rewrite("app/input.txt")),
        must_run("input file grows", "the step reads all of it", swap("app/input.txt", "3 1 2", "3 1 2 5")),
    ),
    *family(
        _ENVIRONMENT,
        {
            "app/step.py": "import os\n\nfrom app.settings import mode\n\n\ndef answer(path):\n    return [os.getenv('APP_LEVEL'), mode(), 'APP_FLAG' in os.environ]\n",
            "app/settings.py": "import os\n\nNAME = 'APP_NAMED'\nSTART = os.environ.get('APP_START', 'none')\n\n\ndef mode():\n    return [os.environ.get('APP_MODE', 'plain'), os.environ.get(NAME), START]\n",
        },
        must_run("os.getenv", "the step reads it", variable("APP_LEVEL", "1", "2")),
        must_run("variable read by a helper", "the step calls it", variable("APP_MODE", "slow", "fast")),
        must_run("variable named by a constant", "the helper reads it", variable("APP_NAMED", "slow", "fast")),
        must_run("variable read at import", "a constant keeps it", variable("APP_START", "slow", "fast")),
        must_hit("variable: unrelated", "nothing reads it", variable("APP_OTHER", "slow", "fast")),
    ),
    *family(
        _INSTALLED,
        {"app/step.py": "import app_vendor\n\n\ndef answer(path):\n    return app_vendor.VALUE\n", **_VENDOR, **_CORE, **_SPARE},
        must_run("upgrade of a requirement", "what the step imports needs it", upgrade("app_core", "1.0", "2.0", "CORE = 2\n")),
        must_hit("upgrade: unrelated", "nothing imports it", upgrade("app_spare", "1.0", "2.0", "SPARE = 2\n")),
        must_hit("installed again", "the same version, the same bytes", rewrite("site/app_vendor.py")),
        either(
            "upgrade without a difference", "the version is the promise; nobody compares installed code",
            upgrade("app_vendor", "1.0", "1.0.1", "from app_core import CORE\n\nVALUE = 1 + CORE\n", "app_core"),
        ),
        must_run("own module that hides an installed one", "the project comes first on the path", put("app_vendor.py", "VALUE = 9\n")),
    ),
    *family(
        _INSTALLED,
        {"app/step.py": "def answer(path):\n    import app_vendor\n\n    return app_vendor.VALUE\n", **_VENDOR, **_CORE},
        must_run("upgrade of what a function imports", "the import happens in the call", upgrade("app_vendor", "1.0", "2.0", "from app_core import CORE\n\nVALUE = 2 + CORE\n", "app_core")),
    ),
    *family(
        _INSTALLED,
        {"app/step.py": "from importlib.metadata import version\n\n\ndef answer(path):\n    return version('app_vendor')\n", **distribution("app_vendor", "1.0", "VALUE = 1\n")},
        must_run("version that the code asks for", "importlib.metadata returns it", upgrade("app_vendor", "1.0", "2.0", "VALUE = 1\n")),
    ),
    *family(
        _INSTALLED,
        {
            "app/step.py": "from importlib.metadata import entry_points\n\n\ndef answer(path):\n    return [each.load()() for each in entry_points(group='app.sizes')]\n",
            "app/sizes.py": "def small():\n    return 2\n",
            **distribution("app_vendor", "1.0", "VALUE = 1\n"),
            "site/app_vendor-1.0.dist-info/entry_points.txt": "[app.sizes]\nsmall = app.sizes:small\n",
        },
        must_run("plug-in by entry point", "the group names a function of the project", swap("app/sizes.py", "return 2", "return 3")),
    ),
]
