"""Opening a connection: to the server that takes writes, of those that the URL names."""

import re
import socket
from typing import Any, Final

import asyncpg

from reelhook.errors import Unavailable

_CONNECT_SECONDS: Final = 5.0
"""How long a server may take to answer who calls; one that swallows what is sent to it must not hold up the next."""
_NOT_THIS_ONE: Final = (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
_HOSTS: Final = re.compile(r"(?P<before>\w+://(?:[^/?#]*@)?)(?P<hosts>[^/?#@]*)(?P<after>.*)", re.DOTALL)
_KEPT_ALIVE: Final = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""What is between us and the server may forget an idle connection, and then lets nothing pass: it is found out."""


class _Connection(asyncpg.Connection):
    """A connection whose socket tells when nobody is there any more."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: Any, *more: Any) -> None:
        super().__init__(protocol, transport, *more)
        _watch(transport.get_extra_info("socket"))


class Servers:
    """The servers of a URL, tried in turn from the one that was good last; a standby is passed by."""

    def __init__(self, url: str, settings: dict[str, str], *, pooled: bool, patience: float) -> None:
        self._urls = urls_of(url)
        self._settings = settings
        self._pooled = pooled
        self._patience = patience
        self._first = 0

    async def open(self) -> asyncpg.Connection:
        """Connect; raises what the last server said when none can be used."""
        count = len(self._urls)
        for place in range(self._first, self._first + count):
            try:
                pg = await self._connect(self._urls[place % count])
            except _NOT_THIS_ONE:
                if place == self._first + count - 1:
                    raise
            else:
                self._first = place % count
                return pg
        raise asyncpg.CannotConnectNowError("the URL names no server")

    async def _connect(self, url: str) -> asyncpg.Connection:
        try:
            pg = await asyncpg.connect(
                url,
                timeout=min(_CONNECT_SECONDS, self._patience / len(self._urls)),
                command_timeout=self._patience,
                connection_class=_Connection,
                # A pooler that hands out connections for each transaction keeps no prepared statements.
                statement_cache_size=0 if self._pooled else 400,
                server_settings=None if self._pooled else self._settings,
            )
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise Unavailable(f"PostgreSQL refuses the user of REELHOOK_DATABASE: {error}") from None
        except asyncpg.InvalidCatalogNameError as error:
            raise Unavailable(f"{error}; create it first, or name another database in REELHOOK_DATABASE") from None
        try:
            only_reads = await _only_reads(pg, pooled=self._pooled)
        except BaseException:
            pg.terminate()
            raise
        if only_reads:
            pg.terminate()
            raise asyncpg.CannotConnectNowError(
                "the server takes no writes: it is a standby; REELHOOK_DATABASE must reach the primary"
            )
        return pg


def urls_of(url: str) -> list[str]:
    """Return a URL for each server that one URL names: `//user@a:5432,b:5432/name` names two."""
    found = _HOSTS.fullmatch(url)
    if found is None:
        return [url]
    return [f"{found['before']}{host}{found['after']}" for host in found["hosts"].split(",")]


async def _only_reads(pg: asyncpg.Connection, *, pooled: bool) -> bool:
    """Tell whether a server takes no writes; a pooler does not pass on what servers say of themselves."""
    if not pooled:
        said = pg.get_settings()
        return "on" in (getattr(said, "in_hot_standby", ""), getattr(said, "default_transaction_read_only", ""))
    async with pg.transaction():
        return bool(await pg.fetchval("SELECT current_setting('transaction_read_only') = 'on'"))


def _watch(link: Any) -> None:
    """Have the system ask now and then whether the other side of a TCP connection is still there."""
    if link is None or link.family == getattr(socket, "AF_UNIX", None):
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEPT_ALIVE.items():
        if hasattr(socket, name):  # not every system lets one choose
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
