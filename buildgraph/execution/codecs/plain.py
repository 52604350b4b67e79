"""Codecs for plain data, text and bytes: the canonical encoding itself, so equal values are equal blobs."""

from __future__ import annotations

from typing import Any, BinaryIO

from buildgraph.encoding import decode_trusted, encode_value
from buildgraph.execution.codecs.base import Codec, Source


def _write_value(value: Any, out: BinaryIO) -> None:
    out.write(encode_value(value))


def _write_text(value: str, out: BinaryIO) -> None:
    out.write(value.encode())


def _write_bytes(value: bytes, out: BinaryIO) -> None:
    out.write(value)


def _read_value(source: Source) -> Any:
    return decode_trusted(source.bytes())


def _read_text(source: Source) -> str:
    return source.bytes().decode()


def as_json(data: bytes) -> tuple[str, bytes]:
    """The encoded value as JSON when JSON can say it all, else the encoding itself."""
    import json

    value = decode_trusted(data)
    if not _is_json(value):
        return "value.msgpack", data
    indent = 2 if type(value) in (dict, list) else None  # without it, the fast encoder is used
    return "value.json", (json.dumps(value, ensure_ascii=False, indent=indent) + "\n").encode()


def _is_json(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return all(_is_json(item) for item in value.values())
    if kind is list:
        return all(_is_json(item) for item in value)
    if kind is float:
        return value not in (float("inf"), float("-inf"))
    return kind in (str, int, bool, type(None))


CODECS = {
    "msgpack": Codec("msgpack", "value.json", _write_value, _read_value, show=as_json),
    "str": Codec("str", "value.txt", _write_text, _read_text),
    "bytes": Codec("bytes", "value.bin", _write_bytes, Source.bytes),
}
