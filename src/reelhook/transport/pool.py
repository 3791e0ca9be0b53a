"""The connections of one process: those that idle, by who may use them, and all that are open."""

import asyncio
from collections.abc import Callable
from typing import Final

from reelhook.transport.connection import Connection, ConnectionKey

_SWEEP_SECONDS: Final = 1.0


class Pool:
    """Implements `Keeper`: the connection used last is used next, so that the others may grow old and go."""

    def __init__(self, idle_seconds: float, now: Callable[[], float]) -> None:
        self.idle_seconds = idle_seconds
        self._now = now
        self._idle: dict[ConnectionKey, list[Connection]] = {}
        self._open: set[Connection] = set()
        self._unwritten: list[tuple[asyncio.Transport, bytes]] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._empty = asyncio.Event()

    @property
    def open_connections(self) -> int:
        """How many connections there are, idle or busy."""
        return len(self._open)

    def add(self, connection: Connection) -> None:
        """Get to know a new connection."""
        self._open.add(connection)

    def take(self, key: ConnectionKey, now: float) -> Connection | None:
        """Hand out a connection that idles; None when there is none that may be used."""
        idle = self._idle.get(key)
        while idle:
            connection = idle.pop()
            if now < connection.usable_until:
                return connection
            connection.abort()
        return None

    def put(self, connection: Connection, now: float) -> None:
        """Keep a connection for a while."""
        until = now + connection.idle_seconds
        connection.usable_until = min(until, connection.expires)
        idle = self._idle.get(connection.key)
        if idle is None:
            idle = self._idle[connection.key] = []
        idle.append(connection)
        if self._sweeper is None:
            self._rest()

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write a request together with the others of this turn of the loop: one after the other they cost less, in the
        kernel and at receivers on the same machine, than each between the work for the next.
        """
        if not self._unwritten:
            asyncio.get_running_loop().call_soon(self._write)
        self._unwritten.append((transport, data))

    def forget(self, connection: Connection) -> None:
        """Hear that a connection is closed; where it idles it is found by the next sweep."""
        self._open.discard(connection)
        if not self._open:
            self._empty.set()

    async def close(self) -> None:
        """Close all connections; exchanges under way are reported as interrupted."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._idle.clear()
        if self._open:
            self._empty.clear()
            for connection in tuple(self._open):
                connection.interrupt()
            await self._empty.wait()

    def _write(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        for transport, data in unwritten:
            if not transport.is_closing():
                transport.write(data)

    def _rest(self) -> None:
        if not self._closed:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close what has idled too long."""
        self._sweeper = None
        now = self._now()
        for key, idle in tuple(self._idle.items()):
            stale = [connection for connection in idle if now >= connection.usable_until]
            if not stale:
                continue
            for connection in stale:
                connection.abort()
            self._idle[key] = [connection for connection in idle if now < connection.usable_until]
            if not self._idle[key]:
                del self._idle[key]
        if self._idle:
            self._rest()
