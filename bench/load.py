"""The load generator: a process that posts events over kept connections, never two at a time on one of them.

Closed loop: every connection posts again as soon as it is answered, while no more than `window` events are on their
way to the receiver. Open loop: events leave at a given rate, whatever the answers do.
"""

import asyncio
import os
from array import array
from collections import deque
from ctypes import c_longlong
from multiprocessing.connection import Connection
from typing import NamedTuple

import uvloop

from bench.stream import DIGITS, Stream, moment

SIZE = 1024
"""Bytes of a posted event."""
ASSET = (
    b'"asset":{"id":"ast_019a3f6c2b7d0001","kind":"video","name":"aurora.mp4","path":"/films/2026/aurora.mp4",'
    b'"format":"mp4","size":184549376,"mime_type":"video/mp4","width":3840,"height":2160,"duration":244.52,'
    b'"bitrate":6037000,"tags":["aurora","norway"],"status":"ready","version":1,"user_id":"usr_1024",'
    b'"title":"Aurora over Tromsoe","ids":{"vimeo":"456789123"},"metadata":{"custom":{"status":"in review"}},'
    b'"url":"https://cdn.example.com/aurora/original.mp4","context":"campaign-2026-winter",'
)
"""How an asset begins, as platforms post it; dialects read most of it."""


class Plan(NamedTuple):
    """What to post where; connections are spread over `ports`. `rate` (per s) makes it an open loop, and `types` take
    turns.

    `window` limits how many events may be under way in a closed loop, given that each arrives `fan_out` times;
    0 = no limit. With `asset` the data hold one, as the dialects of foreign systems need it.
    """

    ports: tuple[int, ...]
    path: str
    connections: int
    token: str = ""
    types: tuple[str, ...] = ("asset.updated",)
    rate: float | None = None
    window: int = 0
    fan_out: int = 1
    asset: bool = False


class Sent(NamedTuple):
    """What came of it so far: answers 2xx, other answers and lost connections, times to the answer, and by how much
    events left after they were due (both ns).
    """

    accepted: int
    refused: int
    answer_times: "array[int]"
    lags: "array[int]"


class _Generator:
    def __init__(self, plan: Plan, shared: c_longlong) -> None:
        self.plan = plan
        self.shared = shared
        self.first_received = shared.value
        self.posted = self.accepted = self.refused = 0
        self.answer_times, self.lags = array("q"), array("q")
        self.idle: deque[_Outgoing] = deque()
        self.waiting: deque[int] = deque()
        self.stopped = False
        self._frames = [frame(plan, event_type) for event_type in plan.types]

    def counts(self) -> Sent:
        return Sent(self.accepted, self.refused, array("q"), array("q"))

    def everything(self) -> Sent:
        return Sent(self.accepted, self.refused, self.answer_times, self.lags)

    def request(self, due: int) -> tuple[int, bytes]:
        now = moment()
        before, after = self._frames[self.posted % len(self._frames)]
        self.posted += 1
        return now, b'%s"t":%d,"d":%d%s' % (before, now, due or now, after)

    def answered(self, connection: "_Outgoing", ok: bool, started: int) -> None:
        self.accepted += ok
        self.refused += not ok
        self.answer_times.append(moment() - started)
        if self.stopped:
            return
        if self.plan.rate is not None:
            if self.waiting:
                self.post_due(connection, self.waiting.popleft())
            else:
                self.idle.append(connection)
        elif self.has_room():
            connection.post(0)
        else:
            self.idle.append(connection)

    def has_room(self) -> bool:
        arrived = (self.shared.value - self.first_received) // self.plan.fan_out
        return not self.plan.window or self.posted - arrived < self.plan.window

    def post_due(self, connection: "_Outgoing", due: int) -> None:
        self.lags.append(moment() - due)
        connection.post(due)

    async def closed(self) -> None:
        while not self.stopped:
            while self.idle and self.has_room():
                self.idle.popleft().post(0)
            await asyncio.sleep(0.001)

    async def open(self, rate: float) -> None:
        gap, due = 1e9 / rate, float(moment())
        while not self.stopped:
            while due <= moment():
                if self.idle:
                    self.post_due(self.idle.popleft(), int(due))
                else:
                    self.waiting.append(int(due))
                due += gap
            await asyncio.sleep(0.001)


class _Outgoing(Stream):
    def __init__(self, generator: _Generator) -> None:
        self._generator = generator
        self._started = 0

    def post(self, due: int) -> None:
        self._started, request = self._generator.request(due)
        self.transport.write(request)

    def message(self, data: bytes | bytearray, body: int, stop: int) -> None:  # noqa: ARG002  (the base's signature)
        self._generator.answered(self, data[9:10] == b"2", self._started)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (the protocol's signature)
        if not self._generator.stopped:
            self._generator.refused += 1


def frame(plan: Plan, event_type: str) -> tuple[bytes, bytes]:
    """Return a request up to its times and from there on; its body has `SIZE` bytes."""
    start, end = b'{"type":"%s","data":{' % event_type.encode(), b'"}}}' if plan.asset else b'"}}'
    times = len(b'"t":,"d":') + 2 * DIGITS
    before = b"," + (ASSET + b'"description":"' if plan.asset else b'"title":"')
    filler = before + b"x" * (SIZE - len(start) - len(end) - times - len(before))
    head = (
        f"POST {plan.path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {plan.token}\r\n"
        f"content-type: application/json\r\ncontent-length: {SIZE}\r\n\r\n"
    )
    return head.encode() + start, filler + end


async def _generate(pipe: Connection, plan: Plan, shared: c_longlong) -> None:
    loop = asyncio.get_running_loop()
    generator = _Generator(plan, shared)
    for number in range(plan.connections):
        port = plan.ports[number % len(plan.ports)]
        _, connection = await loop.create_connection(lambda: _Outgoing(generator), "127.0.0.1", port)
        generator.idle.append(connection)

    def command() -> None:
        generator.stopped = pipe.recv() == "stop"
        if not generator.stopped:
            pipe.send(generator.counts())

    loop.add_reader(pipe.fileno(), command)
    os.set_blocking(pipe.fileno(), True)  # the loop made it non-blocking; a long answer must go out whole
    await (generator.closed() if plan.rate is None else generator.open(plan.rate))
    while generator.accepted + generator.refused < generator.posted:
        await asyncio.sleep(0.001)
    pipe.send(generator.everything())


def run(pipe: Connection, shared: c_longlong, plan: Plan) -> None:
    """Be the load generator; `read` on the pipe gets a `Sent` without times; `stop` waits for the last answers and gets
    all of it.
    """
    uvloop.run(_generate(pipe, plan, shared))
