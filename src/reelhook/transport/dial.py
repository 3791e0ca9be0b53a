"""Making a connection: resolve, check each address, connect to the checked literal, look again whom we reached, TLS."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

import msgspec

from reelhook.model.address import BLOCKED_ADDRESS, Address
from reelhook.model.attempt import Failure, Timing
from reelhook.model.http import ClientIdentity, Target
from reelhook.transport.failures import DialFailed, connect_failure, handshake_failure
from reelhook.transport.guard import Guard
from reelhook.transport.resolve import Names
from reelhook.transport.tls import TlsContexts

MOST_ADDRESSES: Final = 8
"""So many addresses of a name are tried."""

_SHUTDOWN_SECONDS: Final = 1.0
_BLOCKED: Final = f"{BLOCKED_ADDRESS[0].upper()}{BLOCKED_ADDRESS[1:]}."
_NOT_PLAIN: Final = "Credentials go over plain http only into networks that the operator allows; use https."


class _Dialled(msgspec.Struct, frozen=True):
    """A socket connected to a checked address; times in ms."""

    socket: socket.socket
    address: Address
    dns: float | None
    connect: float


class Opened(msgspec.Struct, frozen=True):
    """What is known of a new connection: whom it reached, and what that took."""

    address: str
    timing: Timing


class Dialer:
    """Opens connections, but only to what the guard permits."""

    def __init__(
        self, names: Names, guard: Guard, contexts: TlsContexts, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._names = names
        self._guard = guard
        self._contexts = contexts
        self._now = now

    async def open(
        self,
        target: Target,
        identity: ClientIdentity | None,
        protocol: asyncio.BaseProtocol,
        deadline: float,
        *,
        only_exceptions: bool = False,
    ) -> Opened:
        """Connect `protocol` by `deadline` (on this dialer's clock); DialFailed says why not.

        `only_exceptions` admits nothing but the networks that the operator allows.
        """
        context = await self._context(target, identity)
        dialled = await self._dial(target, deadline, only_exceptions=only_exceptions)
        began = self._now()
        try:
            async with self._until(deadline):
                # From here on the loop owns the socket and closes it whatever happens.
                await asyncio.get_running_loop().create_connection(
                    lambda: protocol,
                    sock=dialled.socket,
                    ssl=context,
                    server_hostname=target.host if context else None,
                    ssl_shutdown_timeout=_SHUTDOWN_SECONDS if context else None,
                )
        except TimeoutError:
            detail = "The TLS handshake with the receiver did not finish in time."
            raise DialFailed(Failure.CONNECT_TIMEOUT, detail) from None
        except OSError as error:
            failed = handshake_failure(error, target.host)
            failed.address = str(dialled.address)
            raise failed from error
        tls = (self._now() - began) * 1000 if context else None
        return Opened(str(dialled.address), Timing(dns=dialled.dns, connect=dialled.connect, tls=tls))

    async def _context(self, target: Target, identity: ClientIdentity | None) -> ssl.SSLContext | None:
        if target.scheme != "https":
            return None
        return self._contexts.shared if identity is None else await self._contexts.of(identity)

    async def _dial(self, target: Target, deadline: float, *, only_exceptions: bool) -> _Dialled:
        addresses, dns = await self._resolve(target.host, deadline)
        permitted = [
            address
            for address in addresses
            if self._guard.permits(address, target.port, only_exceptions=only_exceptions)
        ]
        if not permitted:
            raise DialFailed(Failure.BLOCKED, _NOT_PLAIN if only_exceptions else _BLOCKED)
        began = self._now()
        connected, address = await self._first(permitted[:MOST_ADDRESSES], target.port, deadline)
        return _Dialled(connected, address, dns, (self._now() - began) * 1000)

    async def _resolve(self, host: str, deadline: float) -> tuple[Sequence[Address], float | None]:
        try:
            return (ip_address(host),), None
        except ValueError:
            began = self._now()
        try:
            async with self._until(deadline):
                addresses = await self._names.resolve(host)
        except TimeoutError:
            detail = f"Looking up the name {host} did not finish in time."
            raise DialFailed(Failure.DNS_TEMPORARY, detail) from None
        return addresses, (self._now() - began) * 1000

    async def _first(self, addresses: Sequence[Address], port: int, deadline: float) -> tuple[socket.socket, Address]:
        """Connect to the first address that answers; each gets an equal share of the time that is left."""
        failed: DialFailed | None = None
        for position, address in enumerate(addresses):
            share = (deadline - self._now()) / (len(addresses) - position)
            try:
                return await self._connect(address, port, self._now() + share), address
            except DialFailed as error:
                # A missing route to one family of addresses says less than what the other one met with.
                if failed is None or failed.failure is Failure.UNREACHABLE:
                    failed = error
        raise failed or DialFailed(Failure.DNS_UNKNOWN, "The receiver's name has no address.")

    async def _connect(self, address: Address, port: int, deadline: float) -> socket.socket:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        try:
            connecting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as error:
            raise connect_failure(error, port) from error
        try:
            async with self._until(deadline):
                await asyncio.get_running_loop().sock_connect(connecting, (str(address), port))
            _confirm_peer(connecting, address)
        except TimeoutError as error:
            connecting.close()
            detail = "The receiver did not accept the connection in time."
            raise DialFailed(Failure.CONNECT_TIMEOUT, detail) from error
        except OSError as error:
            connecting.close()
            raise connect_failure(error, port) from error
        except BaseException:
            connecting.close()
            raise
        return connecting

    def _until(self, deadline: float) -> asyncio.Timeout:
        return asyncio.timeout(max(0.0, deadline - self._now()))


def _confirm_peer(connected: socket.socket, address: Address) -> None:
    """Make sure that the socket reached the address that was checked, and not what something put in its place."""
    if ip_address(connected.getpeername()[0].partition("%")[0]) != address:
        raise DialFailed(Failure.BLOCKED, _BLOCKED)
