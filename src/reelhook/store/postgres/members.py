"""Members: the membership of this node behind its port, in a thread and on a connection of its own.

The lease must not wait for readers or for the writer, and none of them for it.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import asyncpg

from reelhook.errors import StoreBusy
from reelhook.ports import Holding
from reelhook.store.postgres.connection import PROMPT_SECONDS, PgConnection
from reelhook.store.postgres.membership import Membership

T = TypeVar("T")
_LOST: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


class PgMembers:
    """Implements `Members`."""

    def __init__(self, url: str, lease: float, *, pooled: bool = False, seals: bytes | None = None) -> None:
        # What takes longer than the time between two renewals is of no use to the one after it.
        self._connection = PgConnection(url, pooled=pooled, patience=lease / 3)
        self._patient = partial(PgConnection, url, pooled=pooled, patience=max(PROMPT_SECONDS, lease / 3))
        self._of = partial(Membership, node=_name(), lease=lease, seals=seals)
        self._membership = self._of(self._connection)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="members")

    async def join(self, *, takes: bool) -> int:
        """Become a member; return the number that goes into this node's ids. This may take longer than a renewal."""
        return await self._run(partial(self._join, takes=takes))

    async def renew(self, *, takes: bool) -> Holding:
        """Renew all leases, and take what is free."""
        return await self._run(partial(self._membership.renew, takes=takes))

    async def give(self, shards: Collection[int]) -> None:
        """Let others have shards."""
        await self._run(partial(self._membership.give, shards))

    async def leave(self) -> None:
        """Stop being a member."""
        await self._run(self._membership.leave)

    def stop(self) -> None:
        """Finish what was given, and end the thread with its connection; not in a thread that runs a loop."""
        self._executor.shutdown()
        self._connection.close()

    async def _run(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._named, job)

    def _join(self, *, takes: bool) -> int:
        connection = self._patient()
        try:
            return self._of(connection).join(works=takes)
        finally:
            connection.close()

    def _named(self, job: Callable[[], T]) -> T:
        try:
            return job()
        except _LOST as error:
            self._connection.drop()
            said = str(error) or type(error).__name__
            raise StoreBusy(f"PostgreSQL does not answer for this node's lease ({said}); it is tried again") from error


def _name() -> str:
    """Name this process as no other one is, or was, named."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}"
