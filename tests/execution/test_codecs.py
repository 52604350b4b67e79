"""Codecs: what goes in comes out, in any process; equal values are equal bytes; nothing is unpickled by surprise."""

from __future__ import annotations

import copyreg
import io
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from buildgraph.component import Resource
from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError, EncodingError
from buildgraph.execution.codecs import CODECS, choose, codec_named
from buildgraph.execution.codecs.base import INLINE, Encoded, Source
from buildgraph.execution.codecs.local import globals_of
from buildgraph.testing import TemporaryWorkspace

PLAIN = [
    None, True, 0, -1, 2**70, 1.5, -0.0, math.inf, "", "grüße\0", b"", b"\xff", [], [1, [2]], (1, (2,)), {"b": 1, "a": {}},
    {1, 2}, frozenset({"x"}), {"mixed": [None, (1, "1", b"1", 1.0, True)]},
]  # fmt: skip


def encoded(value, tmp_path, name=None) -> Encoded:
    paths = (str(tmp_path / f"scratch-{number}") for number in range(1000))
    return codec_named(name or choose(value, "", "//:t")).encode(value, lambda: next(paths))


def source(what: Encoded) -> Source:
    return Source(what.data) if what.data is not None else Source(None, what.path, what.digest)


def back(value, tmp_path, name=None):
    what = encoded(value, tmp_path, name)
    return codec_named(what.codec).read(source(what))


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_come_back_with_their_types(value, tmp_path):
    again = back(value, tmp_path)
    assert again == value
    assert repr(again) == repr(value) or isinstance(value, (dict, set, frozenset))


def test_a_value_is_written_once_it_is_large_as_a_file_that_is_checked_when_read(tmp_path):
    value = "x" * (INLINE + 1)
    what = encoded(value, tmp_path)
    assert what.data is None
    assert what.digest == Digest.of(value.encode())
    assert codec_named("str").read(source(what)) == value
    Path(what.path).write_text("y" * (INLINE + 1))
    with pytest.raises(BuildgraphError, match="damaged"):
        codec_named("str").read(source(what))


def test_equal_values_are_equal_bytes_in_another_process_with_another_hash_seed(tmp_path):
    program = """
import sys
from buildgraph.execution.codecs import codec_named
value = {"b": {3, 1, 2}, "a": frozenset("xyz"), "c": [1.5, None]}
sys.stdout.buffer.write(codec_named("msgpack").encode(value, str).data)
"""
    path = os.pathsep.join(filter(None, sys.path))
    found = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed, "PYTHONPATH": path}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    }
    value = {"a": frozenset("xyz"), "c": [1.5, None], "b": {2, 1, 3}}
    assert found == {encoded(value, tmp_path).data}


@pytest.mark.parametrize(
    "value", [object(), lambda: 1, {1: 2}, [object()], {"a": {"b": [open]}}, io.BytesIO()], ids=["object", "function", "key", "list", "deep", "stream"]
)
def test_what_cannot_be_stored_is_refused(value, tmp_path):
    with pytest.raises(BuildgraphError):
        encoded(value, tmp_path)


def test_the_error_has_the_path_inside_the_value(tmp_path):
    with pytest.raises(EncodingError) as caught:
        encoded({"layers": [1, {"fn": open}]}, tmp_path)
    assert caught.value.path == "layers[1].fn"


def test_an_unknown_codec_is_named_with_the_nearest():
    with pytest.raises(BuildgraphError) as caught:
        codec_named("mspack")
    assert caught.value.code == "BG230"
    assert "msgpack" in caught.value.fix


@pytest.mark.parametrize("name", sorted(CODECS))
def test_every_codec_calls_itself_by_its_name(name):
    pytest.importorskip({"npy": "numpy", "safetensors": "safetensors", "arrow": "pyarrow", "pandas": "pandas", "skops": "skops"}.get(name, "msgpack"))
    assert codec_named(name).name == name


class TestPickle:
    def test_only_when_declared(self, tmp_path):
        value = complex(1, 2)
        with pytest.raises(BuildgraphError, match="cannot be stored"):
            encoded(value, tmp_path)
        assert back(value, tmp_path, "pickle") == value

    def test_no_other_codec_unpickles(self, tmp_path):
        """Bytes that are a pickle bomb stay bytes, whichever codec is told to read them."""

        class Bomb:
            def __reduce__(self):
                return (pytest.fail, ("unpickled",))

        bomb = pickle.dumps(Bomb())
        for name in sorted(set(CODECS) - {"pickle"}):
            try:
                codec_named(name).read(Source(bomb))
            except Exception as error:
                assert "unpickled" not in str(error)


class Kinds:
    """A class of this module, with another in it."""

    class Inner(dict):
        pass


def function():
    return 1


KINDS = (f"{__name__}:Kinds", f"{__name__}:Kinds.Inner", f"{__name__}:function")


class TestCodeThatValuesCarry:
    """What is reported decides who runs when that code changes: it is read off the bytes, never by loading them."""

    def value(self):
        return [Kinds(), {"inner": (Kinds.Inner(a=Kinds()), Kinds.Inner())}, function, "Kinds", __name__, Kinds]

    def test_a_pickle_names_classes_and_functions_at_any_depth(self, tmp_path):
        assert encoded(self.value(), tmp_path, "pickle").classes == KINDS

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_in_every_protocol(self, protocol):
        """Old ones name code in one opcode, new ones by two texts, which may both have been said before."""
        named = set(globals_of(io.BytesIO(pickle.dumps(self.value(), protocol))))
        ours = {f"{module}:{name}" for module, name in named if module == __name__}
        assert ours >= {KINDS[0], KINDS[2]}
        assert ("", "") not in named
        assert protocol < 4 or ours == set(KINDS)  # before, what is in a class is looked up in it

    def test_in_a_large_pickle_too(self, tmp_path):
        what = encoded([b"x" * INLINE, *self.value()], tmp_path, "pickle")
        assert what.data is None
        assert what.classes == KINDS

    def test_reading_them_off_runs_nothing(self):
        class Bomb:
            def __reduce__(self):
                return (os._exit, (3,))

        assert list(globals_of(io.BytesIO(pickle.dumps(Bomb())))) == [("posix", "_exit")]

    def test_code_that_hides_behind_a_number_is_said_to_be_unknown(self):
        copyreg.add_extension(__name__, "Kinds", 240)
        try:
            found = list(globals_of(io.BytesIO(pickle.dumps(Kinds(), 4))))
        finally:
            copyreg.remove_extension(__name__, "Kinds", 240)
        assert ("", "") in found

    def test_what_is_built_in_is_not_named(self, tmp_path):
        assert encoded([1 + 2j, range(3), len, bytearray(b"x"), Resource("r")], tmp_path, "pickle").classes == ()

    def test_data_names_none(self, tmp_path):
        np = pytest.importorskip("numpy")
        for value in ({"a": [1, (2,)]}, "text", b"bytes", np.arange(3)):
            assert encoded(value, tmp_path).classes == ()

    def test_an_estimator_names_its_parts(self, tmp_path):
        pytest.importorskip("skops")
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer, StandardScaler

        model = make_pipeline(StandardScaler(), FunctionTransformer(function)).fit([[0.0], [1.0]])
        classes = encoded(model, tmp_path).classes
        assert KINDS[2] in classes
        assert {name for name in classes if name.startswith("sklearn.preprocessing")} == {
            "sklearn.preprocessing._data:StandardScaler",
            "sklearn.preprocessing._function_transformer:FunctionTransformer",
        }


class TestArrays:
    np = pytest.importorskip("numpy")

    @pytest.mark.parametrize("dtype", ["<f8", ">f8", "<i4", "u1", "?", "<c16", "<U5", "S3", "<M8[s]"])
    @pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 2)])
    def test_arrays_come_back(self, dtype, shape, tmp_path):
        array = self.np.zeros(shape, dtype)
        again = back(array, tmp_path)
        assert (again.dtype, again.shape) == (array.dtype, array.shape)
        assert again.tobytes() == array.tobytes()

    def test_a_large_array_is_mapped_and_cannot_be_written(self, tmp_path):
        array = self.np.arange(100_000.0)
        again = back(array, tmp_path)
        assert isinstance(again, self.np.memmap)
        assert (again == array).all()
        with pytest.raises(ValueError, match="read-only"):
            again[0] = 1

    def test_equal_arrays_are_equal_bytes_whatever_their_memory_order(self, tmp_path):
        array = self.np.arange(6.0).reshape(2, 3)
        turned = self.np.asfortranarray(array)
        strided = self.np.arange(12.0).reshape(2, 6)[:, ::2].copy() * 0 + array
        assert encoded(array, tmp_path).data == encoded(turned, tmp_path).data == encoded(strided, tmp_path).data

    def test_object_arrays_are_refused(self, tmp_path):
        with pytest.raises(BuildgraphError) as caught:
            encoded(self.np.array([object()]), tmp_path)
        assert caught.value.code == "BG233"

    def test_scalars_are_plain_values(self, tmp_path):
        assert back(self.np.float32(1.5), tmp_path) == 1.5
        assert back({"n": self.np.int64(3)}, tmp_path) == {"n": 3}

    def test_tensors_by_name(self, tmp_path):
        pytest.importorskip("safetensors")
        value = {"b": self.np.ones((2, 2), "<f4"), "a": self.np.arange(3)}
        again = back(value, tmp_path, "safetensors")
        assert sorted(again) == ["a", "b"]
        assert all((again[name] == value[name]).all() for name in value)
        other = {"a": value["a"], "b": self.np.asfortranarray(value["b"])}
        assert encoded(value, tmp_path, "safetensors").data == encoded(other, tmp_path, "safetensors").data


class TestTables:
    pa = pytest.importorskip("pyarrow")

    def test_arrow_tables_come_back(self, tmp_path):
        table = self.pa.table({"n": [1, None, 3], "s": ["a", "b", None], "l": [[1], [], None]})
        assert back(table, tmp_path).equals(table)

    def test_equal_tables_are_equal_bytes_however_they_are_cut(self, tmp_path):
        whole = self.pa.table({"n": list(range(10))})
        pieces = self.pa.concat_tables([whole.slice(0, 3), whole.slice(3)])
        assert encoded(whole, tmp_path).data == encoded(pieces, tmp_path).data

    def test_a_large_table_is_read_from_its_file(self, tmp_path):
        table = self.pa.table({"n": list(range(50_000))})
        what = encoded(table, tmp_path)
        assert what.data is None
        assert codec_named("arrow").read(source(what)).equals(table)

    def test_data_frames_come_back(self, tmp_path):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"n": [1, 2], "s": ["a", None]}, index=pd.Index([5, 7], name="i"))
        pd.testing.assert_frame_equal(back(frame, tmp_path), frame)


class TestEstimators:
    def fitted(self, c=1.0):
        pytest.importorskip("skops")
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        x = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]]
        return make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(x, [0, 0, 1, 1]), x

    def test_they_come_back_and_predict(self, tmp_path):
        model, x = self.fitted()
        assert (back(model, tmp_path).predict(x) == model.predict(x)).all()

    def test_equal_fits_have_one_identity_although_their_bytes_differ(self, tmp_path):
        first, second = encoded(self.fitted()[0], tmp_path), encoded(self.fitted()[0], tmp_path)
        assert first.identity is not None
        assert first.identity == second.identity
        assert bytes(first.data or Path(first.path).read_bytes()) != bytes(second.data or Path(second.path).read_bytes())

    def test_another_fit_has_another_identity(self, tmp_path):
        assert encoded(self.fitted()[0], tmp_path).identity != encoded(self.fitted(c=0.01)[0], tmp_path).identity

    def test_the_identity_survives_a_round_trip(self, tmp_path):
        model, _ = self.fitted()
        assert encoded(back(model, tmp_path), tmp_path).identity == encoded(model, tmp_path).identity


WORKSPACE = {
    "BUILD.py": """
from buildgraph.rules import python
for kind in ("plain", "text", "raw", "array", "big_array", "table", "frame", "model", "note"):
    python(kind, fn=f"make:{kind}")
python("tensors", fn="make:tensors", codec="safetensors")
python("pickled", fn="make:pickled", codec="pickle")
python("seen", fn="make:seen", needs={kind: f":{kind}" for kind in (
    "plain", "text", "raw", "array", "big_array", "table", "frame", "model", "note", "tensors", "pickled")})
""",
    "notes.py": """
import json

class Note:
    def __init__(self, text):
        self.text = text

    def to_cache(self, directory, model_storage):
        (directory / "note.json").write_text(json.dumps(self.text))

    @classmethod
    def from_cache(cls, node_name, directory, model_storage, output_fingerprint):
        assert node_name and output_fingerprint
        return cls(json.loads((directory / "note.json").read_text()))
""",
    "make.py": """
from notes import Note

def plain(): return {"a": (1, {2})}
def text(): return "text" * 30_000
def raw(): return b"raw"
def array():
    import numpy
    return numpy.arange(3)
def big_array():
    import numpy
    return numpy.arange(100_000)
def table():
    import pyarrow
    return pyarrow.table({"n": [1, 2]})
def frame():
    import pandas
    return pandas.DataFrame({"n": [1, 2]})
def model():
    from sklearn.dummy import DummyClassifier
    return DummyClassifier().fit([[0], [1]], [1, 1])
def tensors():
    import numpy
    return {"t": numpy.ones(2)}
def note(): return Note("remember")
def pickled(): return 1 + 2j
def seen(plain, text, raw, array, big_array, table, frame, model, note, tensors, pickled):
    return [plain == {"a": (1, {2})}, len(text), raw.decode(), array.tolist(), type(big_array).__name__, int(big_array[-1]),
            table.column("n").to_pylist(), frame["n"].tolist(), model.predict([[5]]).tolist(), note.text,
            tensors["t"].tolist(), str(pickled)]
""",
}  # fmt: skip


@pytest.mark.parametrize("runner", ["inline", "pool"])
def test_values_of_every_kind_pass_between_processes(tmp_path, runner):
    for needed in ("numpy", "pyarrow", "pandas", "sklearn", "skops", "safetensors"):
        pytest.importorskip(needed)
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", runner=runner)
    workspace.write(WORKSPACE)
    built = workspace.build()
    assert built.ok, [error.render() for error in built.report.errors.values()]
    import json

    assert json.loads(workspace.output("//:seen").read_text()) == [
        True, 120_000, "raw", [0, 1, 2], "memmap", 99_999, [1, 2], [1, 2], [1], "remember", [1.0, 1.0], "(1+2j)",
    ]  # fmt: skip
    assert workspace.build().ran == []
    elsewhere = workspace.copy(tmp_path / "elsewhere", workspace.store)
    elsewhere.edit("make.py", '"(1+2j)"' if '"(1+2j)"' in workspace.read("make.py") else "str(pickled)", "str(pickled) + ''")
    assert elsewhere.build("//:seen").ran[-1] == "//:seen"


def test_a_class_that_the_consumer_does_not_import_is_not_loaded_from_a_name_in_the_store(tmp_path):
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", runner="pool", jobs=1)
    workspace.write(
        {
            "BUILD.py": "from buildgraph.rules import python\npython('note', fn='make:note')\npython('user', fn='user:use', needs={'note': ':note'})",
            "notes.py": WORKSPACE["notes.py"],
            "make.py": "from notes import Note\n\ndef note():\n    return Note('x')\n",
            "user.py": "def use(note):\n    return note.text\n",
        }
    )
    workspace.build("//:note")
    assert "BG229" in workspace.build().error("//:user")
