"""The receiver: a process that answers 200 to everything, counts for each path and notes how old events are.

A path that begins with `/hang` is never answered. Events carry `"t":` (when the load generator wrote them) and `"d":`
(when they were due by its plan).
"""

import asyncio
import os
from array import array
from ctypes import c_longlong
from multiprocessing.connection import Connection
from typing import NamedTuple

import uvloop

from bench.stream import DIGITS, Stream, moment

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Received(NamedTuple):
    """What arrived so far: counts by path, ages (ns) from writing and from due time, by path, and the moments (as in
    `stream.moment`) of the first and the last arrival.
    """

    counts: dict[str, int]
    ages: dict[str, "array[int]"]
    ages_due: dict[str, "array[int]"]
    first: int = 0
    last: int = 0

    @property
    def total(self) -> int:
        return sum(count for path, count in self.counts.items() if not path.startswith("/hang"))


class _Tally:
    def __init__(self, shared: c_longlong, ages: bool) -> None:
        self.shared = shared
        self.keep_ages = ages
        self.clear()

    def clear(self) -> None:
        self._received = Received({}, {}, {})
        self._first = self._last = 0

    @property
    def received(self) -> Received:
        return self._received._replace(first=self._first, last=self._last)

    def counts(self) -> Received:
        return Received(self._received.counts, {}, {}, self._first, self._last)

    def take(self, path: str, data: bytes | bytearray) -> None:
        counts = self._received.counts
        counts[path] = counts.get(path, 0) + 1
        self._last = now = moment()
        self._first = self._first or now
        if self.keep_ages and b'"t":' in data:
            self._age(path, data, now)

    def _age(self, path: str, data: bytes | bytearray, now: int) -> None:
        at = data.find(b'"t":') + 4
        self._received.ages.setdefault(path, array("q")).append(now - int(data[at : at + DIGITS]))
        at = data.find(b'"d":') + 4
        self._received.ages_due.setdefault(path, array("q")).append(now - int(data[at : at + DIGITS]))


class _Incoming(Stream):
    def __init__(self, tally: _Tally) -> None:
        self._tally = tally

    def message(self, data: bytes | bytearray, body: int, stop: int) -> None:  # noqa: ARG002  (the base's signature)
        path = data[5 : data.find(b" ", 5)].decode()
        self._tally.take(path, data)
        if not path.startswith("/hang"):
            self._tally.shared.value += 1
            self.transport.write(_OK)


async def _serve(pipe: Connection, tally: _Tally) -> None:
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def command() -> None:
        match pipe.recv():
            case "read":
                pipe.send(tally.counts())
            case "clear":
                pipe.send(tally.received)
                tally.clear()
            case "stop":
                pipe.send(tally.received)
                done.set()

    server = await loop.create_server(lambda: _Incoming(tally), "127.0.0.1", 0, backlog=2048)
    pipe.send(server.sockets[0].getsockname()[1])
    loop.add_reader(pipe.fileno(), command)
    os.set_blocking(pipe.fileno(), True)  # the loop made it non-blocking; a long answer must go out whole
    await done.wait()


def run(pipe: Connection, shared: c_longlong, ages: bool) -> None:
    """Be the receiver. The first thing on the pipe is the port; `read` gets a `Received` without ages, `clear` and
    `stop` get all of it, and `clear` begins anew.
    """
    uvloop.run(_serve(pipe, _Tally(shared, ages)))
