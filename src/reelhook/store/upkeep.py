"""Implements `Upkeep`: what the store wants done in the background, and how it is."""

from collections.abc import Awaitable

from reelhook.ports import Clock
from reelhook.store.arrears import Arrears
from reelhook.store.commit import GroupCommit
from reelhook.store.expire import Expiring
from reelhook.store.holding import held_since
from reelhook.store.prune import Pruning
from reelhook.store.queue import count_waiting
from reelhook.store.reading import Reading
from reelhook.store.sql import Connection

_MEASURED_FOR_MS = 10_000


class StoredUpkeep:
    """Small steps; each in a commit of its own, between those of deliveries."""

    def __init__(self, commit: GroupCommit, reader: Connection, reading: Reading, clock: Clock) -> None:
        self._commit = commit
        self._reading = reading
        self._clock = clock
        self._arrears = Arrears(commit, reader, clock)
        self._pruning = Pruning(commit, reading, clock)
        self._expiring = Expiring(commit, reading)
        self._measured_at: int | None = None
        self._backlog: tuple[int, int | None] = (0, None)

    async def index(self, limit: int) -> int:
        """Bring indexes that are filled in arrears up to date, and measure the backlog now and then."""
        now = self._clock.now()
        if self._measured_at is None or now - self._measured_at >= _MEASURED_FOR_MS:
            self._measured_at = now
            self._backlog = await self._reading.run(count_waiting)
        return await self._arrears.index(limit)

    async def prune(self, before: int, limit: int) -> int:
        """Delete up to `limit` rows that are older than `before` (ms)."""
        return await self._pruning.prune(before, limit)

    async def expire(self, before: int, limit: int, now: int) -> int:
        """Cancel up to `limit` open deliveries made before `before`, or whose endpoint is gone."""
        return await self._expiring.expire(before, limit, now)

    def backlog(self) -> tuple[int, int | None]:
        """Return how many deliveries wait and when the oldest was due, as last measured (every ten seconds)."""
        return self._backlog

    def held_since(self) -> Awaitable[int | None]:
        """Return since when (ms) the installation is on hold; None when it is not."""
        return self._reading.run(held_since)

    def healthy(self) -> str | None:
        """Return why the store cannot take writes."""
        if self._commit.broken:
            return f"the store is broken: {self._commit.broken}"
        return "the disk is full, or the database is locked" if self._commit.full else None
