"""A scripted receiver on loopback: it does to a sender, byte by byte, whatever a receiver can do to it.

A script is a sequence of steps for one connection; a receiver plays `scripts[0]` to the first connection, `scripts[1]`
to the second, and the last one to all that follow. Everything it got is kept, raw.

    async with Receiver(answering(503), answering(200)) as receiver:
        ...                                   # first connection gets 503s, all others 200s
        assert receiver.requests[0].path == "/hook"
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, Self

Step = Callable[["Conversation"], Awaitable[None]]
Script = Sequence[Step]

READ_BYTES: Final = 64 * 1024


class Received(NamedTuple):
    """One request as it arrived: `raw` is every byte of it, header names are lower case, `connection` counts from 0."""

    raw: bytes
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


class Ended(Exception):
    """The sender closed the connection."""


class Conversation:
    """One connection, seen from the receiver."""

    def __init__(
        self, receiver: "Receiver", number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.receiver = receiver
        self.number = number
        self.reader = reader
        self.writer = writer

    async def request(self) -> Received:
        """Read one request; Ended when the sender closed instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            request_line, *lines = head[:-4].decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Ended from error
        method, path, _ = request_line.split(" ")
        received = Received(head + body, method, path, headers, body, self.number)
        self.receiver.take(received)
        return received

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close with a RST instead of a FIN."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


# Steps.


async def read(conversation: Conversation) -> None:
    """Read one request."""
    await conversation.request()


async def close(conversation: Conversation) -> None:
    """Close with a FIN, after what was sent."""
    conversation.writer.close()


async def reset(conversation: Conversation) -> None:
    """Close with a RST."""
    conversation.reset()


async def hang(conversation: Conversation) -> None:
    """Do nothing more until the receiver is closed or the sender goes."""
    while await conversation.reader.read(READ_BYTES):
        pass
    raise Ended


async def deaf(conversation: Conversation) -> None:
    """Never read, never answer."""
    conversation.writer.transport.pause_reading()
    await conversation.receiver.closed.wait()


def send(data: bytes) -> Step:
    """Write bytes, in one piece."""

    async def step(conversation: Conversation) -> None:
        await conversation.write(data)

    return step


def drip(data: bytes, seconds: float = 0.0) -> Step:
    """Write bytes one at a time, with a pause after each."""

    async def step(conversation: Conversation) -> None:
        for position in range(len(data)):
            await conversation.write(data[position : position + 1])
            await asyncio.sleep(seconds)

    return step


def flood(piece: bytes) -> Step:
    """Write the same bytes for as long as the sender takes them; `receiver.flooded` counts them."""

    async def step(conversation: Conversation) -> None:
        try:
            while not conversation.writer.is_closing():
                await conversation.write(piece)
                conversation.receiver.flooded += len(piece)
        except ConnectionError as error:
            raise Ended from error

    return step


def wait(event: asyncio.Event) -> Step:
    """Wait until a test says to go on."""

    async def step(_: Conversation) -> None:
        await event.wait()

    return step


def forever(*steps: Step) -> Step:
    """Repeat steps until the sender closes the connection."""

    async def step(conversation: Conversation) -> None:
        while True:
            for each in steps:
                await each(conversation)

    return step


def respond(answer: Callable[[Received], bytes]) -> Step:
    """Read a request and write what a function makes of it."""

    async def step(conversation: Conversation) -> None:
        await conversation.write(answer(await conversation.request()))

    return step


# Ready-made answers and scripts.


def response(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Make a response with a `Content-Length`."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return f"HTTP/1.1 {status} Scripted\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def answering(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Script:
    """Answer every request alike."""
    return (forever(read, send(response(status, body, headers))),)


HANGING: Final[Script] = (hang,)
"""Accepts, reads, and never answers."""

REFUSING: Final[Script] = (reset,)
"""Accepts and resets."""


class Receiver:
    """Listens on loopback while its `async with` block runs. Give a server-side `tls` context for https."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._scripts = scripts or (answering(),)
        self._tls = tls
        self._host = host
        self._server: asyncio.Server | None = None
        self._talking: set[asyncio.Task[None]] = set()
        self.requests: list[Received] = []
        self.port = 0
        self.connections = 0
        """How many were accepted so far."""
        self.flooded = 0
        self.closed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, self._host, 0, ssl=self._tls, limit=2**26)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed.set()
        if self._server is not None:
            self._server.close()
        for task in tuple(self._talking):
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.port}/hook"

    @property
    def open_connections(self) -> int:
        """How many are open at the moment."""
        return len(self._talking)

    def stop_listening(self) -> None:
        """Refuse new connections from now on."""
        assert self._server is not None
        self._server.close()

    def take(self, received: Received) -> None:
        self.requests.append(received)

    async def until(self, condition: Callable[["Receiver"], bool]) -> None:
        """Wait until something is true of this receiver, for example `lambda r: len(r.requests) == 3`."""
        async with asyncio.timeout(20):
            while not condition(self):
                await asyncio.sleep(0.001)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talking.add(task)
        number = self.connections
        self.connections += 1
        conversation = Conversation(self, number, reader, writer)
        try:
            for step in self._scripts[min(number, len(self._scripts) - 1)]:
                await step(conversation)
            await hang(conversation)
        except (Ended, ConnectionError):
            pass
        except asyncio.CancelledError:
            if not self.closed.is_set():
                raise
        finally:
            self._talking.discard(task)
            writer.transport.abort()
