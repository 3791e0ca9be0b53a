"""The wire: our own HTTP/1.1 client, strict about every limit, on connections that the guard let through.

It reads no proxy from the environment and no `.netrc`, follows no redirect, decompresses nothing and keeps no cookie.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, cast

from reelhook.model.address import Network
from reelhook.model.attempt import Failure, Timing
from reelhook.model.http import Request, Response
from reelhook.transport.connection import Connection, ConnectionKey
from reelhook.transport.dial import Dialer
from reelhook.transport.failures import DialFailed
from reelhook.transport.guard import Guard, OwnAddresses
from reelhook.transport.pool import Pool
from reelhook.transport.resolve import CaresLookup, Lookup, Names
from reelhook.transport.tls import TlsContexts

_READ_BYTES: Final = 64 * 1024


class HttpWire:
    """Implements `Wire`.

    `exceptions` are the networks that the operator allows to be called; `own_addresses` where this program listens
    (may be filled later). Connections are reused for `idle_seconds`, or as the receiver advertises, and for
    `oldest_seconds` in all. `now` is a monotonic clock in seconds.
    """

    def __init__(  # noqa: PLR0913 - by name only, and each with its default
        self,
        *,
        exceptions: Sequence[Network] = (),
        own_addresses: OwnAddresses = (),
        lookup: Lookup | None = None,
        ca_file: str | None = None,
        idle_seconds: float = 4.0,
        oldest_seconds: float = 300.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._oldest_seconds = oldest_seconds
        self._names = Names(lookup or CaresLookup(), now=now)
        self._dialer = Dialer(self._names, Guard(exceptions, own_addresses), TlsContexts(ca_file), now=now)
        self._pool = Pool(idle_seconds, now)
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._closed = False

    async def send(self, request: Request) -> Response:
        """Send a request, once, within its timeout. Never raises for what the network or the receiver does."""
        target = request.target
        identity = request.identity
        key = (target.scheme, target.host, target.port, None if identity is None else identity.key)
        started = self._now()
        connection = self._pool.take(key, started)
        if connection is not None:
            answer = connection.exchange(request, started, started, replayed=False)
            try:
                response = await answer
            except asyncio.CancelledError:
                connection.abandon(answer)
                raise
            if response is not None:
                return response
        return await self._send_fresh(request, key, started, replayed=connection is not None)

    async def send_inside(self, request: Request) -> Response:
        """Send a request as `send` does, but only into the networks that the operator allows, on a connection of its
        own: for credentials that would go over plain http.
        """
        target = request.target
        key = (f"inside {target.scheme}", target.host, target.port, None)
        return await self._send_fresh(request, key, self._now(), replayed=False, only_exceptions=True)

    async def close(self) -> None:
        """Close everything; requests under way are reported as interrupted."""
        self._closed = True
        await self._names.close()
        await self._pool.close()

    @property
    def open_connections(self) -> int:
        """How many connections there are, idle or busy."""
        return self._pool.open_connections

    async def _send_fresh(
        self, request: Request, key: ConnectionKey, started: float, *, replayed: bool, only_exceptions: bool = False
    ) -> Response:
        connection = Connection(key, self._pool, self._buffer, self._now)
        try:
            opened = await self._dialer.open(
                request.target,
                request.identity,
                connection,
                started + request.timeout,
                only_exceptions=only_exceptions,
            )
        except DialFailed as failed:
            return self._unsent(failed, started, replayed=replayed)
        if self._closed:
            connection.abort()
            return self._unsent(DialFailed(Failure.INTERRUPTED, "Reelhook was stopping."), started, replayed=replayed)
        now = self._now()
        connection.start(opened, now + self._oldest_seconds)
        answer = connection.exchange(request, started, now, replayed=replayed)
        try:
            response = await answer
        except asyncio.CancelledError:
            connection.abandon(answer)
            raise
        return cast("Response", response)  # only a connection that was used before ends without one

    def _unsent(self, failed: DialFailed, started: float, *, replayed: bool) -> Response:
        """Report that no connection was had; on a replay the request had been written once before."""
        return Response(
            status=None,
            failure=failed.failure,
            error=failed.detail,
            timing=Timing(total=(self._now() - started) * 1000),
            remote_address=failed.address,
            replayed=replayed,
            sent=replayed,
        )
