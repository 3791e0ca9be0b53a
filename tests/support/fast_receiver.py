"""A receiver of webhooks in a process of its own, fast enough for load, told by rules how to behave.

The tests hold a `Receiver`; the process behind it keeps every request that it got, in order, and answers 200 unless
a rule says otherwise. A rule `{path?, containing?, status, headers?, body?, hold?, times?}` applies to requests of
that path whose body contains the text; `hold` keeps the answer back until `release`, `times` limits how often it
applies. The first rule that fits wins.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Self, cast

import msgspec
import uvloop
from tests.support.program import Api, free_port, until


class Receipt(msgspec.Struct, frozen=True):
    """One request as it arrived. `at` is wall time in seconds; `status` is what it was answered, None while held."""

    path: str
    headers: dict[str, str]
    body: str
    at: float
    status: int | None

    @property
    def message_id(self) -> str:
        """The event's id, the same on every attempt."""
        return self.headers["webhook-id"]

    @property
    def timestamp(self) -> int:
        """When the sender says that it made this attempt, in Unix seconds."""
        return int(self.headers["webhook-timestamp"])


class Rule(msgspec.Struct, omit_defaults=True):
    """How to answer the requests that fit."""

    status: int = 200
    path: str | None = None
    containing: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    hold: bool = False
    times: int | None = None

    def fits(self, path: str, body: bytes) -> bool:
        return (self.path in (None, path)) and self.containing.encode() in body and self.times != 0


class _Kept(msgspec.Struct):
    path: str
    head: bytes
    body: bytes
    at: float
    status: int | None = None

    def receipt(self) -> Receipt:
        lines = [line.partition(b":") for line in self.head.split(b"\r\n")[1:]]
        headers = {name.decode("latin-1").lower(): value.strip().decode("latin-1") for name, _, value in lines}
        return Receipt(self.path, headers, self.body.decode(), self.at, self.status)


class _Memory:
    def __init__(self) -> None:
        self.kept: list[_Kept] = []
        self.rules: list[Rule] = []
        self.held: list[tuple[_Kept, asyncio.WriteTransport]] = []
        self.open = 0
        self.most_open = 0

    def take(self, kept: _Kept, transport: asyncio.WriteTransport) -> None:
        self.kept.append(kept)
        rule = next((rule for rule in self.rules if rule.fits(kept.path, kept.body)), None)
        if rule is None:
            answer(kept, transport, Rule())
            return
        if rule.times is not None:
            rule.times -= 1
        if rule.hold:
            self.held.append((kept, transport))
        else:
            answer(kept, transport, rule)

    def command(self, name: str, body: bytes) -> bytes:
        match name:
            case "rules":
                self.rules = msgspec.json.decode(body, type=list[Rule])
            case "release":
                held, self.held = self.held, []
                for kept, transport in held:
                    answer(kept, transport, msgspec.json.decode(body, type=Rule))
            case "receipts":
                first = int(body)
                return msgspec.json.encode([kept.receipt() for kept in self.kept[first : first + 5000]])
        held_open = sum(not transport.is_closing() for _, transport in self.held)
        return msgspec.json.encode(Counts(len(self.kept), held_open, self.open, self.most_open))


class Counts(NamedTuple):
    """How many requests came, how many wait for an answer, how many connections there are and were at most."""

    received: int
    held: int
    connections: int
    most_connections: int


def answer(kept: _Kept, transport: asyncio.WriteTransport, rule: Rule) -> None:
    """Write the response, unless the sender has hung up meanwhile."""
    if transport.is_closing():
        return
    kept.status = rule.status
    body = rule.body.encode()
    extra = "".join(f"{name}: {value}\r\n" for name, value in rule.headers.items())
    transport.write(f"HTTP/1.1 {rule.status} X\r\n{extra}content-length: {len(body)}\r\n\r\n".encode() + body)


class _Connection(asyncio.Protocol):
    def __init__(self, memory: _Memory) -> None:
        self._memory = memory
        self._buffer = b""
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # what TCP gives; uvloop's is not a subclass

    def connection_lost(self, exc: Exception | None) -> None:
        self._memory.open -= self._counted

    def _count(self) -> None:
        if not self._counted:
            self._counted = True
            self._memory.open += 1
            self._memory.most_open = max(self._memory.most_open, self._memory.open)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            start = end + 4
            stop = start + _length(head)
            if len(self._buffer) < stop:
                return
            body, self._buffer = self._buffer[start:stop], self._buffer[stop:]
            self._request(head, body)

    def _request(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode("latin-1")
        if path.startswith("/_/"):
            result = self._memory.command(path[3:], body)
            self._transport.write(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n" % len(result) + result)
            return
        self._count()
        self._memory.take(_Kept(path, head, body, time.time()), self._transport)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def serve(port: int) -> None:
    """Receive until the process is ended."""
    memory = _Memory()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(memory), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


class Receiver:
    """The test's hand on the process."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([sys.executable, "-m", "tests.support.fast_receiver", str(self.port)])
        until(self._answers, "the receiver answers")
        self._api = Api(self.port, None)
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return Api(self.port, None, timeout=5).ask("POST", "/_/counts", b"").status == 200
        except OSError:
            return False

    def url(self, path: str = "/") -> str:
        """Return the URL to register for a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def behave(self, *rules: Rule) -> None:
        """Put these rules in the place of those before."""
        self._api.ask("POST", "/_/rules", msgspec.json.encode(rules)).ok()

    def release(self, status: int = 200) -> None:
        """Answer everything that is held."""
        self._api.ask("POST", "/_/release", msgspec.json.encode(Rule(status))).ok()

    def counts(self) -> Counts:
        """Return how much there is of everything."""
        return Counts(*self._api.ask("POST", "/_/counts", b"").ok())

    def receipts(self, path: str | None = None) -> list[Receipt]:
        """Return all requests in the order of their arrival, or those of one path."""
        found: list[Receipt] = []
        while True:
            body = self._api.ask("POST", "/_/receipts", str(len(found)).encode()).body
            page = msgspec.json.decode(body, type=list[Receipt])
            found += page
            if not page:
                return found if path is None else [receipt for receipt in found if receipt.path == path]

    def wait_for(self, count: int, path: str | None = None) -> Sequence[Receipt]:
        """Wait until so many requests have arrived, and return them all."""
        if path is None:
            until(lambda: self.counts().received >= count, f"{count} requests arrived")
            return self.receipts()
        until(lambda: len(self.receipts(path)) >= count, f"{count} requests arrived at {path}")
        return self.receipts(path)


def main(arguments: Any) -> None:
    """Run the process: the one argument is the port."""
    uvloop.run(serve(int(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
