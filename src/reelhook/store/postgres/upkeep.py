"""Implements `Upkeep` on PostgreSQL: partitions made ahead and dropped, assets indexed, what is too old cancelled."""

from collections.abc import Awaitable
from functools import partial
from typing import Any, Final

import msgspec

from reelhook.model import ids
from reelhook.ports import Clock
from reelhook.store.asset_ids import asset_ids
from reelhook.store.commit import GroupCommit
from reelhook.store.expire import Expiring
from reelhook.store.holding import held_since
from reelhook.store.postgres.texts import own_statements
from reelhook.store.prune import LONGEST_SCHEDULE_MS, Pruning
from reelhook.store.queue import count_waiting
from reelhook.store.reading import Reading
from reelhook.store.select import select, select_column, select_one, select_value
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements
from reelhook.store.writing import write

_SQL: Final = own_statements("partitions")
_by_asset: Final = Bulk(statements("arrears")["fill_events_by_asset"], 3)
_DAY_MS: Final = 24 * 3600 * 1000
_AHEAD_DAYS: Final = 2
_MEASURED_FOR_MS: Final = 10_000
_DOUBT_SECONDS: Final = 3.0
"""A connection that is lost is replaced within this time, and what failed is tried again."""


class PgUpkeep:
    """Small steps; each in a commit of its own, between those of deliveries."""

    def __init__(self, commit: GroupCommit, reading: Reading, clock: Clock) -> None:
        self._commit = commit
        self._reading = reading
        self._clock = clock
        self._pruning = Pruning(commit, reading, clock)
        self._expiring = Expiring(commit, reading)
        self._measured_at: int | None = None
        self._backlog: tuple[int, int | None] = (0, None)
        self._ensured: int | None = None

    async def index(self, limit: int) -> int:
        """Index events by their assets, make the partitions of the next days, and measure the backlog now and then."""
        now = self._clock.now()
        if self._measured_at is None or now - self._measured_at >= _MEASURED_FOR_MS:
            self._measured_at = now
            self._backlog = await self._reading.run(count_waiting)
            await self._ensure()
        if not await self._reading.run(partial(select_value, sql=_SQL["lacking"])):
            return 0
        return await write(self._commit, partial(_index, limit=limit))

    async def prune(self, before: int, limit: int) -> int:
        """Drop a partition that is past its retention, or else delete up to `limit` single rows that are; return how
        many of either.
        """
        bounds = {"kept": ids.id_at(before), "bound": ids.id_at(before - LONGEST_SCHEDULE_MS)}
        past = await self._reading.run(partial(select_one, sql=_SQL["past"], bindings=bounds))
        if past is not None and await write(self._commit, partial(_drop, past=past, kept=bounds["kept"])):
            return 1
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
        if self._commit.failing_for() < _DOUBT_SECONDS:
            return None
        return "PostgreSQL takes nothing at this moment, so no event is accepted; it is tried again every second"

    async def _ensure(self) -> None:
        today = self._clock.wall() // _DAY_MS
        if today != self._ensured:
            await write(self._commit, partial(ensure_partitions, wall=self._clock.wall()))
            self._ensured = today


def ensure_partitions(connection: Connection, wall: int) -> None:
    """Make the partitions of today (UTC) and the next days, where they are missing."""
    today = wall // _DAY_MS
    for day in range(today, today + 1 + _AHEAD_DAYS):
        bounds = {"low": ids.id_at(day * _DAY_MS), "high": ids.id_at((day + 1) * _DAY_MS)}
        connection.execute(_SQL["ensure"], bounds)


def _drop(connection: Connection, past: tuple[str, int, int], kept: int) -> bool:
    """Drop one partition, unless another node is about it."""
    if not select_value(connection, _SQL["lock_retention"]):
        return False
    parent, low, high = past
    if parent == "deliveries":
        connection.execute(_SQL["drop_events"], {"low": low, "high": high, "kept": kept})
    else:
        connection.execute(_SQL["drop"], {"parent": parent, "low": low})
    return True


def _index(connection: Connection, limit: int) -> int:
    taken = select_column(connection, _SQL["take_events"], {"limit": limit})
    if taken:
        rows: list[tuple[Any, ...]] = [
            (app_id, asset, event_id)
            for app_id, event_id, data in select(connection, _SQL["event_data"], {"ids": _json(taken)})
            for asset in asset_ids(data)
        ]
        _by_asset.run(connection, sorted(rows))
    return len(taken)


def _json(values: list[int]) -> str:
    return msgspec.json.encode(values).decode()
