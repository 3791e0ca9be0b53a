"""Cuts what a connection brings into HTTP/1.1 messages, with as little work as Python allows.

Both ends of the bench speak through it. It understands only messages with a Content-Length, which is all that the
program and the load generator send; it must not become the thing that is measured.
"""

import asyncio
import time
from typing import cast

_SIZE = 256 * 1024
_SHARED = bytearray(_SIZE)
_VIEW = memoryview(_SHARED)

DIGITS = 18
_BASE = 100_000_000_000_000_000


def moment() -> int:
    """Return now in monotonic nanoseconds, which all processes of a machine share, always with `DIGITS` digits.

    A JSON number must not begin with a zero, so a constant is added.
    """
    return time.monotonic_ns() + _BASE


class Stream(asyncio.BufferedProtocol):
    """A connection; subclasses say in `message` what to do with one whole message.

    The read buffer is one for the process: the loop fills it and hands it over in one go, and the default of one new
    buffer for each read costs more than all the rest.
    """

    transport: asyncio.WriteTransport
    _rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # what TCP gives; uvloop's is not a subclass

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  (the protocol's signature)
        return _VIEW

    def buffer_updated(self, nbytes: int) -> None:
        data = _SHARED[:nbytes] if not self._rest else self._rest + _SHARED[:nbytes]
        while data:
            end = data.find(b"\r\n\r\n")
            stop = end + 4 + length(data, end)
            if end < 0 or len(data) < stop:
                break
            self.message(data, end + 4, stop)
            data = data[stop:]
        self._rest = bytes(data)

    def message(self, data: bytes | bytearray, body: int, stop: int) -> None:
        """Take one message: `data[:body]` is its head, `data[body:stop]` its body."""
        raise NotImplementedError


def length(data: bytes | bytearray, end: int) -> int:
    """Return the Content-Length of a head that ends at `end`; 0 without one."""
    at = data.find(b"ontent-", 0, end)
    while at >= 0:
        if data[at + 7 : at + 13].lower() == b"length":
            line = data.find(b"\r\n", at)
            return int(data[at + 14 : line])
        at = data.find(b"ontent-", at + 7, end)
    return 0
