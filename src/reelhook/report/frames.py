"""Frames: how rows and reports go to the process that sets them; each is its length and MessagePack."""

from typing import Any, BinaryIO, Final

import msgspec

from reelhook.report.model import Report, Row

_LENGTH: Final = 4
_DECODER: Final = msgspec.msgpack.Decoder(list[Row] | Report)


def frame(thing: Any) -> bytes:
    """Write one frame."""
    packed = msgspec.msgpack.encode(thing)
    return len(packed).to_bytes(_LENGTH, "big") + packed


def read_report(stream: BinaryIO) -> Report:
    """Read frames of rows up to the report that they belong to.

    Raises:
        ValueError: the stream ended before the report.
    """
    rows: list[Row] = []
    while length := stream.read(_LENGTH):
        found = _DECODER.decode(stream.read(int.from_bytes(length, "big")))
        if isinstance(found, Report):
            return msgspec.structs.replace(found, rows=rows)
        rows += found
    raise ValueError("the report is not complete")
