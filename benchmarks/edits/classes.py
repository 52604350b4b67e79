"""Ways in which classes reach code: inheritance, metaclasses, descriptors, generated methods."""

from __future__ import annotations

from benchmarks.edits.model import Edit, either, family, must_hit, must_run, put, swap

_GROUP = "classes"
_PARTS = "app/parts.py"


def _pair(name: str, result: str, parts: str, reached: tuple[str, str], why: str, unrelated: tuple[str, str] | None = None) -> list[Edit]:
    """A step that evaluates `result` with `parts` at hand; what changes there, and what changes beside it."""
    step = f"from app import parts\nfrom app.parts import Box\n\n\ndef answer(path):\n    return {result}\n"
    changes = [must_run(name, why, swap(_PARTS, *reached))]
    if unrelated is not None:
        changes.append(must_hit(f"{name}: unrelated", "another class of the module", swap(_PARTS, *unrelated)))
    return family(_GROUP, {"app/step.py": step.replace("from app import parts\n", ""), _PARTS: parts}, *changes)


_OTHER = "\n\nclass Other:\n    def method(self):\n        return 'this'\n"
_ASIDE = ("'this'", "'that'")

EDITS = [
    *_pair(
        "metaclass", "Box.size",
        """\
class Meta(type):
    def __new__(cls, name, bases, body):
        return super().__new__(cls, name, bases, {**body, "size": 2})


class OtherMeta(type):
    def __new__(cls, name, bases, body):
        return super().__new__(cls, name, bases, {**body, "size": 'this'})


class Box(metaclass=Meta):
    pass
""",
        ('"size": 2', '"size": 3'), "the class statement calls it", _ASIDE,
    ),
    *_pair(
        "__init_subclass__", "Box.size",
        """\
class Base:
    def __init_subclass__(cls, size, **rest):
        cls.size = size * 2


class OtherBase:
    def __init_subclass__(cls, **rest):
        cls.size = 'this'


class Box(Base, size=2):
    pass
""",
        ("size * 2", "size * 3"), "the class statement of the subclass calls it", _ASIDE,
    ),
    *_pair(
        "class keyword argument", "Box.size",
        "class Base:\n    def __init_subclass__(cls, size, **rest):\n        cls.size = size\n\n\nclass Box(Base, size=2):\n    pass\n",
        ("size=2", "size=3"), "__init_subclass__ keeps it",
    ),
    *_pair(
        "descriptor", "Box().size",
        """\
class Twice:
    def __get__(self, box, kind=None):
        return 2


class OtherField:
    def __get__(self, box, kind=None):
        return 'this'


class Box:
    size = Twice()
""",
        ("return 2", "return 3"), "reading the attribute calls it", _ASIDE,
    ),
    *_pair(
        "__set_name__", "Box.size.name",
        "class Field:\n    def __set_name__(self, owner, name):\n        self.name = name\n\n\nclass Box:\n    size = Field()\n" + _OTHER,
        ("self.name = name", "self.name = name.upper()"), "the class statement calls it", _ASIDE,
    ),
    *_pair(
        "dataclass default", "Box().size",
        "from dataclasses import dataclass\n\n\n@dataclass\nclass Box:\n    size: int = 2\n\n\n@dataclass\nclass Other:\n    size: str = 'this'\n",
        ("= 2", "= 3"), "the generated __init__ uses it", _ASIDE,
    ),
    *_pair(
        "dataclass default factory", "Box().sizes",
        "from dataclasses import dataclass, field\n\n\ndef sizes():\n    return [2]\n\n\n@dataclass\nclass Box:\n    sizes: list = field(default_factory=sizes)\n" + _OTHER,
        ("[2]", "[3]"), "the generated __init__ calls it", _ASIDE,
    ),
    *_pair(
        "dataclass field type", "asdict(Box())".replace("asdict(Box())", "len(vars(Box()))"),
        "from dataclasses import dataclass\nfrom typing import ClassVar\n\n\n@dataclass\nclass Box:\n    size: int = 2\n    unit: ClassVar = 'cm'\n",
        ("unit: ClassVar", "unit: str"), "an annotation makes the field",
    ),
    *_pair(
        "__post_init__", "Box().size",
        "from dataclasses import dataclass\n\n\n@dataclass\nclass Box:\n    size: int = 2\n\n    def __post_init__(self):\n        self.size += 1\n" + _OTHER,
        ("+= 1", "+= 2"), "the generated __init__ calls it", _ASIDE,
    ),
    *_pair(
        "attrs default", "Box().size",
        "import attrs\n\n\n@attrs.define\nclass Box:\n    size: int = 2\n\n\n@attrs.define\nclass Other:\n    size: str = 'this'\n",
        ("= 2", "= 3"), "the generated __init__ uses it", _ASIDE,
    ),
    *_pair(
        "class attribute through self", "Box().twice()",
        "class Base:\n    size = 2\n\n\nclass Box(Base):\n    def twice(self):\n        return self.size * 2\n" + _OTHER,
        ("size = 2", "size = 3"), "inherited", _ASIDE,
    ),
    *_pair(
        "method through super()", "Box().size()",
        "class Base:\n    def size(self):\n        return 2\n\n\nclass Box(Base):\n    def size(self):\n        return super().size() + 1\n" + _OTHER,
        ("return 2", "return 3"), "called by the method that overrides it", _ASIDE,
    ),
    *_pair(
        "order of bases", "Box().size",
        "class One:\n    size = 1\n\n\nclass Two:\n    size = 2\n\n\nclass Box(One, Two):\n    pass\n" + _OTHER,
        ("(One, Two)", "(Two, One)"), "it decides which attribute wins", _ASIDE,
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app_lib.mixins import Sized\n\n\nclass Box(Sized):\n    pass\n\n\ndef answer(path):\n    return Box().size()\n",
            "app_lib/__init__.py": "",
            "app_lib/mixins.py": "class Sized:\n    def size(self):\n        return 2\n\n\nclass Named:\n    def name(self):\n        return 'this'\n",
        },
        must_run("mixin of another package", "a method is inherited", swap("app_lib/mixins.py", "return 2", "return 3")),
        must_hit("mixin of another package: unrelated", "no used class inherits it", swap("app_lib/mixins.py", *_ASIDE)),
    ),
    *_pair(
        "enum member", "[each.value for each in Box]",
        "from enum import Enum\n\n\nclass Box(Enum):\n    SMALL = 1\n    LARGE = 2\n\n\nclass Other(Enum):\n    ONE = 'this'\n",
        ("LARGE = 2", "LARGE = 3"), "the step lists them", _ASIDE,
    ),
    *_pair(
        "property", "Box().size",
        "class Box:\n    @property\n    def size(self):\n        return 2\n\n\nclass Other:\n    @property\n    def size(self):\n        return 'this'\n",
        ("return 2", "return 3"), "reading the attribute calls it", _ASIDE,
    ),
    *_pair(
        "cached_property", "Box().size",
        "from functools import cached_property\n\n\ndef measure():\n    return 2\n\n\nclass Box:\n    @cached_property\n    def size(self):\n        return measure()\n" + _OTHER,
        ("return 2", "return 3"), "reading the attribute calls it", _ASIDE,
    ),
    *_pair(
        "classmethod", "Box.make().size",
        "class Box:\n    size = 1\n\n    @classmethod\n    def make(cls):\n        box = cls()\n        box.size = 2\n        return box\n" + _OTHER,
        ("box.size = 2", "box.size = 3"), "the step calls it", _ASIDE,
    ),
    *_pair(
        "staticmethod", "Box.half(8)",
        "class Box:\n    @staticmethod\n    def half(size):\n        return size / 2\n" + _OTHER,
        ("size / 2", "size // 3"), "the step calls it", _ASIDE,
    ),
    *_pair(
        "__slots__", "Box().room()",
        "class Box:\n    __slots__ = ('size',)\n\n    def room(self):\n        try:\n            self.color = 1\n        except AttributeError:\n            return 'none'\n        return 'some'\n" + _OTHER,
        ("('size',)", "('size', 'color')"), "they decide what can be assigned", _ASIDE,
    ),
    *_pair(
        "NamedTuple", "list(Box(1))",
        "from typing import NamedTuple\n\n\nclass Box(NamedTuple):\n    size: int\n    unit: str = 'cm'\n\n\nclass Other(NamedTuple):\n    unit: str = 'this'\n",
        ("'cm'", "'mm'"), "a default of the tuple", _ASIDE,
    ),
    *_pair(
        "TypedDict", "sorted(Box.__required_keys__)",
        "from typing import TypedDict\n\n\nclass Box(TypedDict):\n    size: int\n\n\nclass Other(TypedDict):\n    this: int\n",
        ("size: int", "size: int\n    unit: str"), "its keys are data", ("this: int", "that: int"),
    ),
    *_pair(
        "base of a caught exception", "Box().load()",
        "class Missing(LookupError):\n    pass\n\n\nclass Odd(Missing):\n    pass\n\n\nclass Box:\n    def load(self):\n        try:\n            raise Odd\n        except Missing:\n            return 'missing'\n        except Exception:\n            return 'broken'\n" + _OTHER,
        ("class Odd(Missing)", "class Odd(Exception)"), "it decides which branch catches", _ASIDE,
    ),
    *_pair(
        "operator method", "(Box(1) + Box(2)).size",
        "class Box:\n    def __init__(self, size):\n        self.size = size\n\n    def __add__(self, other):\n        return Box(self.size + other.size)\n" + _OTHER,
        ("self.size + other.size", "self.size - other.size"), "the plus sign calls it", _ASIDE,
    ),
    *_pair(
        "__getattr__ of a class", "Box().anything",
        "class Box:\n    def __getattr__(self, name):\n        return len(name)\n" + _OTHER,
        ("len(name)", "-len(name)"), "reading an unknown attribute calls it", _ASIDE,
    ),
    *_pair(
        "__missing__", "Box()['a']",
        "class Box(dict):\n    def __missing__(self, key):\n        return key * 2\n" + _OTHER,
        ("key * 2", "key * 3"), "the look-up calls it", _ASIDE,
    ),
    *_pair(
        "__exit__", "Box().ok()",
        "class Guard:\n    def __enter__(self):\n        return self\n\n    def __exit__(self, *error):\n        return True\n\n\nclass Box:\n    def ok(self):\n        try:\n            with Guard():\n                raise ValueError\n        except ValueError:\n            return 'raised'\n        return 'hushed'\n" + _OTHER,
        ("return True", "return False"), "the end of the with block calls it", _ASIDE,
    ),
    *_pair(
        "runtime protocol", "isinstance(Box(), Box.kind)",
        "from typing import Protocol, runtime_checkable\n\n\n@runtime_checkable\nclass Sized(Protocol):\n    def size(self): ...\n\n\nclass Box:\n    kind = Sized\n\n    def size(self):\n        return 2\n" + _OTHER,
        ("def size(self): ...", "def weight(self): ..."), "isinstance compares method names", _ASIDE,
    ),
    *_pair(
        "abstract method", "Box.build()",
        "from abc import ABC, abstractmethod\n\n\nclass Base(ABC):\n    def size(self):\n        return 2\n\n\nclass Box(Base):\n    @classmethod\n    def build(cls):\n        try:\n            return cls().size()\n        except TypeError:\n            return 'abstract'\n" + _OTHER,
        ("    def size(self):\n        return 2", "    @abstractmethod\n    def size(self):\n        return 2"), "the class cannot be made any more", _ASIDE,
    ),
    *_pair(
        "nested class", "Box.Inner.size",
        "class Box:\n    class Inner:\n        size = 2\n" + _OTHER, ("size = 2", "size = 3"), "reached through the outer one", _ASIDE,
    ),
    *_pair(
        "code in a class body", "Box.sizes",
        "class Box:\n    sizes = []\n    for number in range(3):\n        sizes.append(number)\n" + _OTHER,
        ("range(3)", "range(4)"), "it runs when the class is made", _ASIDE,
    ),
    *_pair(
        "class decorator", "Box.size",
        "def sized(kind):\n    kind.size = 2\n    return kind\n\n\n@sized\nclass Box:\n    pass\n" + _OTHER,
        ("kind.size = 2", "kind.size = 3"), "it changes the class", _ASIDE,
    ),
    *_pair(
        "class made by type()", "Box.size",
        "Box = type('Box', (), {'size': 2})\nOther = type('Other', (), {'size': 'this'})\n",
        ("'size': 2", "'size': 3"), "a class is an ordinary value", _ASIDE,
    ),
    *family(
        _GROUP,
        {
            "app/step.py": "from app.parts import Box\n\n\ndef answer(path):\n    return Box().size()\n",
            _PARTS: "class Box:\n    def size(self):\n        return 2\n\n    def weight(self):\n        return 'this'\n",
        },
        either("method that is not called", "a method of a used class can be reached by any attribute access", swap(_PARTS, *_ASIDE)),
        either(
            "method order", "the result is the same, but vars() of a class keeps the order",
            put(_PARTS, "class Box:\n    def weight(self):\n        return 'this'\n\n    def size(self):\n        return 2\n"),
        ),
    ),
]
