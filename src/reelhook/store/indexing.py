"""Indexing: the indexes of the log for some rows of a table, up to a watermark in `meta`."""

from typing import Any, Final

import msgspec

from reelhook.store.asset_ids import asset_ids
from reelhook.store.select import select, select_value
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements

_SQL: Final = statements("arrears")
_META: Final = statements("meta")
FILLS: Final = {
    "attempts": ("fill_attempts_by_endpoint", "fill_attempts_by_type"),
    "deliveries": ("fill_deliveries_by_endpoint", "fill_deliveries_by_type"),
    "events": ("fill_events_by_type",),
}
"""What is run over the rows of each table."""
_by_asset: Final = Bulk(_SQL["fill_events_by_asset"], 3)


class Chunk(msgspec.Struct, frozen=True):
    """Rows of one table to be indexed next: `after` < id <= `until`."""

    table: str
    after: int
    until: int
    count: int


def indexed_until(connection: Connection, table: str) -> int:
    """Return the id up to which (included) the indexes of a table are complete."""
    until: int | None = select_value(connection, _META["get"], (f"{table}_until",))
    return until or 0


def index(connection: Connection, chunks: list[Chunk]) -> int:
    """Index chunks, but for those that somebody has indexed meanwhile; return how many rows."""
    total = 0
    for chunk in chunks:
        if indexed_until(connection, chunk.table) != chunk.after:
            continue
        bounds = {"after": chunk.after, "until": chunk.until}
        for name in FILLS[chunk.table]:
            connection.execute(_SQL[name], bounds)
        if chunk.table == "events":
            _index_assets(connection, bounds)
        connection.execute(_META["put"], (f"{chunk.table}_until", chunk.until))
        total += chunk.count
    return total


def _index_assets(connection: Connection, bounds: dict[str, Any]) -> None:
    rows = [
        (app_id, asset, event_id)
        for app_id, event_id, data in select(connection, _SQL["event_data"], bounds)
        for asset in asset_ids(data)
    ]
    _by_asset.run(connection, sorted(rows))
