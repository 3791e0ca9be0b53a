"""A wall between a program and a server: a TCP proxy that can be cut, frozen and healed, and that loses answers.

Cut: who calls is refused, and what was connected is reset. Frozen: whatever is sent is swallowed, nobody hears of it,
and what was connected then stays dead for good, as behind a router that forgot it. Its loop runs in a thread, so that
a test can block.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Self

import uvloop
from tests.support.program import free_port

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)
"""With this for SO_LINGER a close sends RST."""


class _Link:
    """One connection through the wall; `dead` once it was frozen, `mute` once no answer is to pass any more."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near = near
        self.far = far
        self.dead = False
        self.mute = False

    def reset(self) -> None:
        for side in (self.near, self.far):
            _reset(side)


class Wall:
    """Stands before `port` of this machine while its `with` block runs; programs connect to its own `port`."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._behind = port
        self._links: set[_Link] = set()
        self._lost: bytes | None = None
        self._frozen = False
        self._answers_lost = 0
        self._server: asyncio.Server | None = None
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wall", daemon=True)

    def cut(self) -> None:
        """Refuse and reset from now on."""
        self._do(self._cut())

    def freeze(self) -> None:
        """Swallow from now on."""
        self._do(self._freeze())

    def heal(self) -> None:
        """Let new connections through again."""
        self._do(self._heal())

    def lose_answer_to(self, text: bytes) -> None:
        """Pass the next message with this text on, and reset its connection when it is answered."""
        self._lost = text

    @property
    def answers_lost(self) -> int:
        """How many answers were lost so."""
        return self._answers_lost

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in tuple(self._links):
            link.reset()

    async def _freeze(self) -> None:
        self._frozen = True
        for link in self._links:
            link.dead = True

    async def _heal(self) -> None:
        self._frozen = False
        for link in tuple(self._links):
            if link.dead:
                _reset(link.far)  # the server has found out; the program has not
        if self._server is None:
            await self._listen()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._frozen:
            await _swallow(reader)
            writer.transport.abort()
            return
        try:
            answers, far = await asyncio.open_connection("127.0.0.1", self._behind)
        except OSError:
            _reset(writer)
            return
        link = _Link(writer, far)
        self._links.add(link)
        try:
            await asyncio.gather(self._pass_on(link, reader), self._answer(link, answers))
        finally:
            self._links.discard(link)
            link.reset()

    async def _pass_on(self, link: _Link, reader: asyncio.StreamReader) -> None:
        """Pass on what the program says, until it hangs up."""
        while data := await _read(reader):
            if self._lost is not None and self._lost in data:
                self._lost, link.mute = None, True
            if not link.dead:
                link.far.write(data)
        if link.dead:
            _reset(link.far)
        else:
            link.far.close()

    async def _answer(self, link: _Link, answers: asyncio.StreamReader) -> None:
        """Pass on what the server says, until it hangs up, which nobody hears of once the link is dead."""
        while data := await _read(answers):
            if link.mute:
                self._answers_lost += 1
                link.reset()
                return
            if not link.dead:
                link.near.write(data)
        if not link.dead:
            link.near.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(_CHUNK)
    except OSError:
        return b""


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await _read(reader):
        pass


def _reset(side: asyncio.StreamWriter) -> None:
    link = side.get_extra_info("socket")
    if link is not None and not side.transport.is_closing():
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        side.transport.abort()
