"""Work in arrears: brings the indexes of the log up to date, some hundreds of rows at a time.

A watermark in `meta` says up to which id each table is indexed. Rows become visible in the order of their ids, except
within the moment between an id being taken and its commit: the newest seconds are left alone.
"""

from typing import Any, Final

import msgspec

from reelhook.model import ids
from reelhook.ports import Clock
from reelhook.store.asset_ids import asset_ids
from reelhook.store.commit import GroupCommit
from reelhook.store.select import select, select_one, select_value
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements
from reelhook.store.writing import write

_SQL: Final = statements("arrears")
_META: Final = statements("meta")
_LAG_MS: Final = 2000
_FILLS: Final = {
    "attempts": ("fill_attempts_by_endpoint", "fill_attempts_by_type"),
    "deliveries": ("fill_deliveries_by_endpoint", "fill_deliveries_by_type"),
    "events": ("fill_events_by_type",),
}
_by_asset: Final = Bulk(_SQL["fill_events_by_asset"], 3)


class Chunk(msgspec.Struct, frozen=True):
    """Rows of one table to be indexed next: `after` < id <= `until`."""

    table: str
    after: int
    until: int
    count: int


class Arrears:
    """Implements `Upkeep.index`."""

    def __init__(self, commit: GroupCommit, reader: Connection, clock: Clock) -> None:
        self._commit = commit
        self._reader = reader
        self._clock = clock

    async def index(self, limit: int) -> int:
        """Index up to `limit` rows; return how many. Nothing is written when there is nothing to do."""
        chunks = self._plan(limit)
        return await write(self._commit, lambda connection: _fill(connection, chunks)) if chunks else 0

    def _plan(self, limit: int) -> list[Chunk]:
        end = ids.id_at(self._clock.wall() - _LAG_MS)
        chunks = []
        for table in _FILLS:
            after = indexed_until(self._reader, table)
            bounds = {"after": after, "end": end, "limit": limit}
            count, until = select_one(self._reader, _SQL[f"next_{table}"], bounds) or (0, None)
            if count:
                chunks.append(Chunk(table, after, until, count))
                limit -= count
        return chunks


def indexed_until(connection: Connection, table: str) -> int:
    """Return the id up to which (included) the indexes of a table are complete."""
    until: int | None = select_value(connection, _META["get"], (f"{table}_until",))
    return until or 0


def _fill(connection: Connection, chunks: list[Chunk]) -> int:
    total = 0
    for chunk in chunks:
        if indexed_until(connection, chunk.table) != chunk.after:
            continue
        bounds = {"after": chunk.after, "until": chunk.until}
        for name in _FILLS[chunk.table]:
            connection.execute(_SQL[name], bounds)
        if chunk.table == "events":
            _fill_assets(connection, bounds)
        connection.execute(_META["put"], (f"{chunk.table}_until", chunk.until))
        total += chunk.count
    return total


def _fill_assets(connection: Connection, bounds: dict[str, Any]) -> None:
    rows = [
        (app_id, asset, event_id)
        for app_id, event_id, data in select(connection, _SQL["event_data"], bounds)
        for asset in asset_ids(data)
    ]
    _by_asset.run(connection, sorted(rows))
