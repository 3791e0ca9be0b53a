"""Deletes what is past its retention, in chunks small enough not to stall a commit.

Attempts go first; then events with their deliveries, once nothing that is kept needs them: no delivery is open, no
attempt of theirs remains; at last what an endpoint that is gone has left behind. `grace` is how much longer than
attempts they are kept, so that few have to be looked at twice.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from reelhook.model import ids
from reelhook.ports import Clock
from reelhook.store.asset_ids import asset_ids
from reelhook.store.commit import GroupCommit
from reelhook.store.reading import Reading
from reelhook.store.select import Row, select, select_column, select_one
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements
from reelhook.store.writing import write

_SQL: Final = statements("prune")
_SEARCH: Final = 5000
_MINUTE_MS: Final = 60_000
LONGEST_SCHEDULE_MS: Final = 7 * 24 * 3600 * 1000
"""The longest default schedule takes 28 hours; Standard Webhooks' example takes 76."""
_by_type: Final = Bulk(_SQL["delete_events_by_type"], 3)
_by_asset: Final = Bulk(_SQL["delete_events_by_asset"], 3)
_AUDIT_LONGER_MS: Final = 365 * 24 * 3600 * 1000
"""Who changed what is asked for long after what was sent: the audit log is kept a year longer than attempts."""
_SMALL: Final = {
    "old_keys": (Bulk(_SQL["delete_keys"], 3),),
    "old_rollups": (Bulk(_SQL["delete_rollups"], 3),),
    "old_tasks": (Bulk(_SQL["delete_tasks"], 1),),
    "old_tellings": (Bulk(_SQL["delete_tellings"], 4),),
    "contexts_of_nobody": (Bulk(_SQL["delete_contexts"], 2),),
    "old_audit": (Bulk(_SQL["delete_audit"], 1),),
    "old_versions": (Bulk(_SQL["delete_versions"], 2),),
    # The endpoint itself goes last, and after its rollups, which are found by it.
    "old_endpoints": tuple(
        Bulk(_SQL[name], 1) for name in ("delete_all_versions", "delete_health", "delete_ordered", "delete_endpoints")
    ),
}


class Pruning:
    """Implements `Upkeep.prune`."""

    def __init__(self, commit: GroupCommit, reading: Reading, clock: Clock, grace: int = LONGEST_SCHEDULE_MS) -> None:
        self._commit = commit
        self._reading = reading
        self._clock = clock
        self._grace = grace
        self._position = 0

    async def prune(self, before: int, limit: int) -> int:
        """Delete up to `limit` rows that are older than `before` (ms); return how many."""
        kept = ids.id_at(before)
        done = await self._prune_attempts(kept, limit)
        if done < limit:
            done += await self._prune_events(kept, ids.id_at(before - self._grace), limit - done)
        for old, delete in _SMALL.items():
            if done < limit:
                done += await self._prune_small(old, delete, before, limit - done)
        return done

    async def _prune_attempts(self, bound: int, limit: int) -> int:
        bounds = {"bound": bound, "limit": limit}
        row = await self._reading.run(partial(select_one, sql=_SQL["old_attempts"], bindings=bounds))
        count, until = row or (0, None)
        if count:
            await write(self._commit, partial(_delete_attempts, until=until))
        return int(count)

    async def _prune_events(self, kept: int, bound: int, limit: int) -> int:
        """Find deletable events off the loop, some thousands at a time, and delete them; wrap round at the end."""
        while True:
            bounds = {"after": self._position, "bound": bound, "kept": kept, "limit": _SEARCH}
            rows = await self._reading.run(partial(select, sql=_SQL["old_events"], bindings=bounds))
            chosen = [event_id for event_id, needed in rows if not needed][:limit]
            if chosen:
                # The first one may have more deliveries than one turn deletes: begin with it again.
                self._position = chosen[0] - 1
                return await write(self._commit, partial(_delete_events, chosen=chosen, kept=kept, limit=limit))
            self._position = rows[-1][0] if len(rows) == _SEARCH else 0
            if not self._position:
                return 0

    async def _prune_small(self, old: str, delete: Sequence[Bulk], before: int, limit: int) -> int:
        bounds = {
            "now": self._clock.now(),
            "minute": before // _MINUTE_MS,
            "bound": ids.id_at(before),
            "audit_bound": ids.id_at(max(0, before - _AUDIT_LONGER_MS)),
            "long_before": before - self._grace,
            "limit": limit,
        }
        rows = await self._reading.run(partial(select, sql=_SQL[old], bindings=bounds))
        return await write(self._commit, partial(_delete_small, delete=delete, rows=rows)) if rows else 0


def _delete_small(connection: Connection, delete: Sequence[Bulk], rows: list[Row]) -> int:
    for each in delete:
        each.run(connection, rows)
    return len(rows)


def _delete_attempts(connection: Connection, until: int) -> None:
    for name in (
        "delete_attempts_by_endpoint",
        "delete_attempts_by_type",
        "delete_attempt_details",
        "delete_attempts",
    ):
        connection.execute(_SQL[name], {"until": until})


def _delete_events(connection: Connection, chosen: list[int], kept: int, limit: int) -> int:
    """Delete events with their deliveries; an event with more deliveries than `limit` takes several turns."""
    events = select_column(connection, _SQL["still_old_events"], {"ids": _json(chosen), "kept": kept})
    bounds = {"ids": _json(events), "limit": limit}
    deliveries = select_column(connection, _SQL["deliveries_of_events"], bounds)
    for name in (
        "delete_deliveries_by_endpoint",
        "delete_deliveries_by_type",
        "delete_later_deliveries",
        "delete_deliveries",
    ):
        connection.execute(_SQL[name], {"ids": _json(deliveries)})
    bare = select(connection, _SQL["bare_events"], {"ids": _json(events)})
    _by_type.run(connection, [row[:3] for row in bare])
    _by_asset.run(connection, [(row[0], asset, row[2]) for row in bare for asset in asset_ids(row[3])])
    connection.execute(_SQL["delete_events"], {"ids": _json([row[2] for row in bare])})
    return len(deliveries) + len(bare)


def _json(values: list[Any]) -> str:
    return msgspec.json.encode(values).decode()
