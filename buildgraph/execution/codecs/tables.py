"""Codecs for Arrow tables and pandas frames: Arrow IPC files, uncompressed so that they can be mapped."""

from __future__ import annotations

from typing import Any, BinaryIO

from buildgraph.execution.codecs.base import Codec, Source, missing_extra


def _arrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError:
        raise missing_extra("pyarrow", "arrow") from None
    return pyarrow


def _write_table(value: Any, out: BinaryIO) -> None:
    pa = _arrow()
    table = value.combine_chunks()
    with pa.ipc.new_file(pa.PythonFile(out, mode="w"), table.schema) as writer:
        writer.write_table(table)


def _read_table(source: Source) -> Any:
    pa = _arrow()
    if source.data is not None:
        return pa.ipc.open_file(pa.py_buffer(source.data)).read_all()
    return pa.ipc.open_file(pa.memory_map(source.verified_path())).read_all()


def _write_frame(value: Any, out: BinaryIO) -> None:
    pa = _arrow()
    _write_table(pa.Table.from_pandas(value), out)


def _read_frame(source: Source) -> Any:
    return _read_table(source).to_pandas()


CODECS = {
    "arrow": Codec("arrow", "value.arrow", _write_table, _read_table, size=lambda value: int(value.nbytes)),
    "pandas": Codec("pandas", "value.arrow", _write_frame, _read_frame),
}
