"""Keeps the registries of this node in step with PostgreSQL: after changes of its own, and of other nodes."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from reelhook.errors import Unavailable
from reelhook.store.commit import GroupCommit
from reelhook.store.postgres.reading import PgReading
from reelhook.store.postgres.replica import Delta, Replica, read_delta

_log: Final = structlog.get_logger("reelhook.store")
_TRIES: Final = 5
_PAUSE_SECONDS: Final = 0.5
_NOT_SEEN: Final = "the change is stored, but could not be read back; read it again before you repeat it"


class Refreshing:
    """Brings the replica up to date; `told` hears in the same turn of the loop what was new."""

    def __init__(self, replica: Replica, reading: PgReading, told: Callable[[Delta], None]) -> None:
        self._replica = replica
        self._reading = reading
        self._told = told
        self._waiting: asyncio.Future[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._complete_at = time.monotonic()

    def age(self) -> float:
        """Return how old (s) the newest thing is that may be unknown here."""
        return time.monotonic() - self._complete_at

    async def refresh(self) -> None:
        """Return when everything is known here that was committed before this was called.

        Those who ask while a read is under way share the next one, for that one may have begun too early.

        Raises:
            Unavailable: PostgreSQL cannot be read.
        """
        if self._running is not None and not self._running.done():
            if self._waiting is None:
                self._waiting = asyncio.get_running_loop().create_future()
                self._running.add_done_callback(self._next)
            await asyncio.shield(self._waiting)
            return
        await asyncio.shield(self._begin())

    def _next(self, _: "asyncio.Task[None]") -> None:
        waiting, self._waiting = self._waiting, None
        running = self._begin()
        if waiting is not None:
            running.add_done_callback(lambda done: _pass_on(done, waiting))

    def _begin(self) -> "asyncio.Task[None]":
        """Begin a read; its error is for those who wait, and nobody's when all of them have been cancelled."""
        self._running = asyncio.get_running_loop().create_task(self._read())
        self._running.add_done_callback(_retrieved)
        return self._running

    async def _read(self) -> None:
        began, known = time.monotonic(), dict(self._replica.versions)
        delta = await self._reading.run(lambda connection: read_delta(connection, known))
        if delta:
            new = self._replica.apply(delta)
            if new:
                self._told(new)
        self._complete_at = began


class RegistryWrites:
    """Implements `Writes` for what the replica holds: a write is done when it can be read here. `changed` is told as
    soon as it is on disk.
    """

    def __init__(self, commit: GroupCommit, refreshing: Refreshing, changed: Callable[[], None]) -> None:
        self._commit = commit
        self._refreshing = refreshing
        self._changed = changed
        self.reads_back = True

    def submit(self, kind: str, value: Any) -> "asyncio.Future[Any]":
        """Queue a write for the next commit."""
        return self._commit.submit(kind, value)

    def settled(self, future: "asyncio.Future[Any]") -> "asyncio.Future[Any]":
        """Return what is done when the write is on disk, and known here."""
        return asyncio.ensure_future(self._settle(future))

    async def _settle(self, future: "asyncio.Future[Any]") -> Any:
        result = await future
        self._changed()
        for _ in range(_TRIES):
            try:
                await self._refreshing.refresh()
            except Unavailable as error:
                _log.warning("registries.not_read", error=error.detail)
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return result
        raise Unavailable(_NOT_SEEN)


def _pass_on(done: "asyncio.Task[None]", waiting: "asyncio.Future[None]") -> None:
    if waiting.done():
        return
    error = None if done.cancelled() else done.exception()
    if error is not None:
        waiting.set_exception(error)
        _retrieved(waiting)
    else:
        waiting.set_result(None)


def _retrieved(done: "asyncio.Future[None]") -> None:
    """Take note of an error, so that the loop does not report it as one that nobody has heard of."""
    if not done.cancelled():
        done.exception()
