"""Values that carry code: whoever calls a method of a value runs again when the method is another one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from buildgraph.action import Output
from buildgraph.answers import show
from buildgraph.events import InputsChanged, TargetStarted
from buildgraph.testing import TemporaryWorkspace

SHAPE, AREA = "//:shape", "//:area"

BUILD = """
python("shape", fn="draw:shape", codec="pickle")
python("area", fn="measure:area", needs={"shape": ":shape"})
"""
SHAPES = """
class Square:
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side * self.side
"""
DRAW = "from shapes import Square\n\ndef shape():\n    return Square(3)\n"
MEASURE = "def area(shape):\n    return shape.area()\n"
# Python finds the module when this runs; who only reads it does not.
HIDDEN = 'from importlib import import_module\n\nshapes = import_module("".join(["sha", "pes"]))\n'


@pytest.fixture
def drawn(make) -> TemporaryWorkspace:
    """`shape` is a pickled square; `area` asks it for its area, and its own code knows nothing of squares."""
    return make({"BUILD.py": BUILD, "shapes.py": SHAPES, "draw.py": DRAW, "measure.py": MEASURE})


def area(workspace: TemporaryWorkspace) -> str:
    return workspace.output(AREA).read_text().strip()


def value(workspace: TemporaryWorkspace, label: str = SHAPE) -> Output:
    """What is recorded of the value of `label`."""
    with workspace.workspace().open("look") as session:
        return show(session, label).result.value


def change_the_area(workspace: TemporaryWorkspace) -> None:
    workspace.edit("shapes.py", "self.side * self.side", "self.side * 4")


class TestPickledValues:
    @pytest.mark.parametrize("runner", ["inline", "pool"])
    def test_a_method_that_was_edited_runs_who_calls_it(self, drawn, runner):
        """The bytes of the value stay the same: only its code tells the two apart."""
        drawn.runner = runner
        drawn.build()
        before = value(drawn)
        change_the_area(drawn)
        built = drawn.build()
        assert built.ran == [SHAPE, AREA]
        assert area(drawn) == "12"
        after = value(drawn)
        assert after.blob == before.blob
        assert after.digest != before.digest
        assert after.classes == before.classes == ("shapes:Square",)

    def test_code_that_a_method_calls_counts_too(self, drawn):
        drawn.write({"corners.py": "def power(side):\n    return side ** 2\n"})
        drawn.write({"shapes.py": "import corners\n" + SHAPES.replace("self.side * self.side", "corners.power(self.side)")})
        drawn.build()
        drawn.edit("corners.py", "side ** 2", "side ** 3")
        assert drawn.build().ran == [SHAPE, AREA]
        assert area(drawn) == "27"

    def test_an_edit_that_is_taken_back_runs_nothing(self, drawn):
        drawn.build()
        change_the_area(drawn)
        drawn.build()
        drawn.write({"shapes.py": SHAPES})
        assert drawn.build().ran == []
        assert area(drawn) == "9"

    def test_a_comment_in_the_class_runs_nothing(self, drawn):
        drawn.build()
        drawn.write({"shapes.py": "# about squares\n" + SHAPES.replace("def area(self):", 'def area(self):\n        """Its size."""')})
        assert drawn.build().ran == []

    def test_a_producer_that_runs_again_leaves_who_uses_an_equal_value_of_the_same_code_fresh(self, drawn):
        """Even when somebody writes comments into the class meanwhile."""
        drawn.build()
        drawn.edit("draw.py", "Square(3)", "Square(int(3))")
        drawn.write({"shapes.py": "# about squares\n" + SHAPES})
        built = drawn.build()
        assert built.ran == [SHAPE]
        assert built.heard.statuses[AREA] == "cut_off"

    def test_an_object_inside_a_dict_counts(self, drawn):
        drawn.write({"draw.py": DRAW.replace("Square(3)", "{1: [('a', Square(3))]}")})
        drawn.write({"measure.py": "def area(shape):\n    return shape[1][0][1].area()\n"})
        drawn.build()
        change_the_area(drawn)
        assert drawn.build().ran == [SHAPE, AREA]
        assert area(drawn) == "12"

    def test_a_function_and_a_class_as_values_count(self, drawn):
        drawn.write({"shapes.py": SHAPES + "\ndef double(number):\n    return number * 2\n"})
        drawn.write({"draw.py": "import shapes\n\ndef shape():\n    return (shapes.double, shapes.Square)\n"})
        drawn.write({"measure.py": "def area(shape):\n    double, Square = shape\n    return double(Square(3).area())\n"})
        drawn.build()
        assert area(drawn) == "18"
        assert value(drawn).classes == ("shapes:Square", "shapes:double")
        drawn.edit("shapes.py", "number * 2", "number * 3")
        assert drawn.build().ran == [SHAPE, AREA]
        assert area(drawn) == "27"

    def test_a_class_inside_a_class_counts_with_the_outer_one(self, drawn):
        inner = "\n".join("    " + line for line in SHAPES.splitlines())
        drawn.write({"shapes.py": f"class Kinds:\n{inner}\n", "draw.py": "from shapes import Kinds\n\ndef shape():\n    return Kinds.Square(3)\n"})
        drawn.build()
        assert value(drawn).classes == ("shapes:Kinds.Square",)
        change_the_area(drawn)
        drawn.build()
        assert area(drawn) == "12"

    def test_a_value_that_is_only_passed_on_keeps_its_code(self, drawn):
        """The one in between does not know the class either."""
        drawn.edit("BUILD.py", 'needs={"shape": ":shape"}', 'needs={"shape": ":wrapped"}')
        drawn.write({"BUILD.py": drawn.read("BUILD.py") + '\npython("wrapped", fn="wrap:wrap", needs={"shape": ":shape"}, codec="pickle")\n'})
        drawn.write({"wrap.py": "def wrap(shape):\n    return [shape]\n", "measure.py": "def area(shape):\n    return shape[0].area()\n"})
        drawn.build()
        change_the_area(drawn)
        assert drawn.build().ran == [SHAPE, "//:wrapped", AREA]
        assert area(drawn) == "12"

    def test_a_module_that_stands_in_for_one_of_the_standard_library_counts(self, drawn):
        drawn.write({"sndhdr.py": SHAPES, "draw.py": DRAW.replace("shapes", "sndhdr")})
        drawn.build()
        assert value(drawn).classes == ("sndhdr:Square",)
        drawn.edit("sndhdr.py", "self.side * self.side", "self.side * 4")
        drawn.build()
        assert area(drawn) == "12"

    def test_another_checkout_has_the_same_identity(self, drawn, tmp_path):
        drawn.build()
        elsewhere = drawn.copy(tmp_path / "elsewhere", tmp_path / "another-store")
        elsewhere.build()
        assert value(elsewhere) == value(drawn)

    def test_a_class_that_was_made_while_the_producer_ran_counts_as_the_producer(self, drawn):
        """Nobody can say what its code is: so nothing that uses the value is ever cut off."""
        drawn.write({"draw.py": """
import made

def shape():
    return made.square()(3)
"""})
        drawn.write({"made.py": """
import draw

def square():
    kind = type("Late", (), {"__module__": "draw", "__init__": init, "area": lambda self: self.side ** 2})
    vars(draw)["Late"] = kind
    return kind

def init(self, side):
    self.side = side
"""})
        drawn.build()
        assert value(drawn).classes == ("draw:Late",)
        assert drawn.build().ran == []
        drawn.edit("draw.py", "made.square()(3)", "made.square()(int(3))")
        assert drawn.build().ran == [SHAPE, AREA]

    def test_without_the_code_in_its_identity_a_value_would_be_stale(self, drawn, monkeypatch):
        """The tests above can fail."""
        monkeypatch.setattr("buildgraph.scheduler.accept.identity", lambda content, _code, _key: content)
        drawn.build()
        change_the_area(drawn)
        built = drawn.build()
        assert built.heard.statuses == {SHAPE: "built", AREA: "cut_off"}
        assert area(drawn) == "9", "it is 12"


class TestPlainValues:
    @pytest.mark.parametrize(
        ("codec", "made"),
        [
            ("msgpack", "{'side': 3}"),
            ("pickle", "{1: (3, [b'x', {2.5}])}"),
            ("pickle", "collections.OrderedDict(half=fractions.Fraction(1, 2), when=datetime.date(2020, 1, 1))"),
            ("pickle", "hypothesis.Verbosity.quiet"),
        ],
        ids=["plain", "plain-pickled", "standard-library", "installed"],
    )
    def test_without_code_of_the_workspace_a_value_is_its_content(self, make, codec, made):
        workspace = make({
            "BUILD.py": f"python('shape', fn='draw:shape', codec={codec!r})\npython('area', fn='measure:text', needs={{'x': ':shape'}})\n",
            "draw.py": f"import collections, datetime, fractions\nimport hypothesis\n\ndef shape():\n    return {made}\n",
            "measure.py": "def text(x):\n    return str(x)\n",
        })  # fmt: skip
        workspace.build()
        found = value(workspace)
        assert found.classes == ()
        assert found.digest == found.blob
        workspace.edit("draw.py", "return ", "x = 1\n    return ")
        built = workspace.build()
        assert built.ran == [SHAPE]
        assert built.heard.statuses[AREA] == "cut_off"


class TestValuesThatWriteThemselves:
    """Classes with to_cache and from_cache."""

    NOTES = """
class Note:
    def __init__(self, text):
        self.text = text

    def area(self):
        return self.text.upper()

    def to_cache(self, directory, model_storage):
        (directory / "note.txt").write_text(self.text)

    @classmethod
    def from_cache(cls, node_name, directory, model_storage, output_fingerprint):
        return cls((directory / "note.txt").read_text())
"""

    @pytest.fixture
    def noted(self, drawn) -> TemporaryWorkspace:
        drawn.write({
            "BUILD.py": drawn.read("BUILD.py").replace(', codec="pickle"', ""), "shapes.py": self.NOTES,
            "draw.py": "from shapes import Note\n\ndef shape():\n    return Note('hello')\n", "measure.py": HIDDEN + MEASURE,
        })  # fmt: skip
        return drawn

    def test_a_method_that_was_edited_runs_who_calls_it(self, noted):
        noted.build()
        before = value(noted)
        assert (before.codec, before.classes) == ("cacheable:shapes:Note", ("shapes:Note",))
        noted.edit("shapes.py", "self.text.upper()", "self.text.title()")
        assert noted.build().ran == [SHAPE, AREA]
        assert noted.output(AREA, "value.txt").read_text() == "Hello"
        assert value(noted).blob == before.blob

    def test_an_equal_value_of_the_same_code_leaves_who_uses_it_fresh(self, noted):
        noted.build()
        noted.edit("draw.py", "'hello'", "'hel' + 'lo'")
        built = noted.build()
        assert built.heard.statuses == {SHAPE: "built", AREA: "cut_off"}

    def test_its_files_are_as_ever(self, noted):
        noted.build()
        noted.edit("shapes.py", "self.text.upper()", "self.text.title()")
        noted.build()
        assert noted.output(SHAPE, "note.txt").read_text() == "hello"
        assert noted.build().ran == []


class TestValuesOfInputNodes:
    def test_a_method_that_was_edited_runs_who_calls_it(self, drawn):
        drawn.write({
            "BUILD.py": drawn.read("BUILD.py").replace(
                'python("shape", fn="draw:shape", codec="pickle")', 'component("shape", uses="draw:Shape", is_input=True, codec="pickle")'
            ),
            "draw.py": """
from buildgraph.component import GraphComponent
from shapes import Square

class Shape(GraphComponent):
    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls()

    def run(self):
        return Square(3)
""",
        })  # fmt: skip
        assert drawn.build().ran == [AREA]
        assert drawn.build().ran == []
        change_the_area(drawn)
        assert drawn.build().ran == [AREA]
        assert area(drawn) == "12"


class TestCodeThatChangesMeanwhile:
    """A value's code is looked at again when its user has run, as the user's own code is."""

    @pytest.fixture
    def edits(self, drawn) -> Iterator[list[str]]:
        """Builds with a listener that changes the class as soon as the area is being computed."""
        done: list[str] = []

        def listen(event):
            if isinstance(event, TargetStarted) and event.target == AREA and not done:
                done.append("edited")
                change_the_area(drawn)

        self.listen = listen
        return done

    def test_the_user_of_a_value_is_not_recorded_with_code_that_was_edited_under_it(self, drawn, edits):
        drawn.build()
        drawn.edit("measure.py", "shape.area()", "shape.area() + 0")
        built = drawn.build(listen=self.listen)
        assert edits == ["edited"]
        assert [event.paths for event in built.heard.of(InputsChanged)] == [("shapes.py",)]
        assert area(drawn) == "12"
        drawn.write({"shapes.py": SHAPES})
        drawn.build()
        assert area(drawn) == "9", "12 was recorded for the code that says 9"

    def test_the_producer_of_a_value_is_run_again_when_the_class_was_edited_under_it(self, drawn):
        """Even when only the producer, by running, could say which class that is."""
        drawn.write({"draw.py": HIDDEN + """
def shape():
    with open(shapes.__file__) as file:
        text = file.read()
    if "* 4" not in text:
        with open(shapes.__file__, "w") as file:
            file.write(text.replace("* self.side", "* 4"))
    return shapes.Square(3)
"""})
        built = drawn.build(SHAPE)
        assert [event.paths for event in built.heard.of(InputsChanged)] == [("shapes.py",)]
        assert built.ran == [SHAPE]
        assert drawn.build().ran == [AREA]
        assert area(drawn) == "12"
        assert drawn.build().ran == []
