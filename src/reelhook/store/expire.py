"""Cancels what waits and will never be sent: too old, or its endpoint is gone."""

from functools import partial
from typing import Final

import msgspec

from reelhook.model import ids
from reelhook.store import ordering
from reelhook.store.commit import GroupCommit
from reelhook.store.reading import Reading
from reelhook.store.select import select, select_column
from reelhook.store.sql import Connection
from reelhook.store.statements import statements
from reelhook.store.writing import write

_SQL: Final = statements("prune")
_SEARCH: Final = 5000
_START: Final = (0, 0, 0)


class Expiring:
    """Implements `Upkeep.expire`. It walks through the queue from call to call and begins again at its end."""

    def __init__(self, commit: GroupCommit, reading: Reading) -> None:
        self._commit = commit
        self._reading = reading
        self._position = _START

    async def expire(self, before: int, limit: int, now: int) -> int:
        """Cancel up to `limit` deliveries that wait since before `before` (ms), or for an endpoint that is gone."""
        orphaned = partial(select_column, sql=_SQL["waiting_for_nobody"], bindings={"limit": limit})
        chosen = await self._reading.run(orphaned)
        if len(chosen) < limit:
            chosen += await self._find_old(before, limit - len(chosen))
        if not chosen:
            return 0
        return await write(self._commit, partial(_cancel, chosen=chosen, now=now))

    async def _find_old(self, before: int, limit: int) -> list[int]:
        found: list[int] = []
        while True:
            endpoint_id, due_at, delivery_id = self._position
            bounds = {
                "endpoint_id": endpoint_id,
                "due_at": due_at,
                "delivery_id": delivery_id,
                "bound": ids.id_at(before),
                "before": before,
                "limit": _SEARCH,
            }
            rows = await self._reading.run(partial(select, sql=_SQL["waiting"], bindings=bounds))
            for *place, old in rows:
                self._position = (place[0], place[1], place[2])
                if old:
                    found.append(place[2])
                if len(found) >= limit:
                    return found
            if len(rows) < _SEARCH:
                self._position = _START
                return found


def _cancel(connection: Connection, chosen: list[int], now: int) -> int:
    text = msgspec.json.encode(chosen).decode()
    rows = select(connection, _SQL["cancellable"], {"ids": text})
    ordering.lock(connection, [(endpoint_id, lane) for _, endpoint_id, lane in rows if lane is not None])
    text = msgspec.json.encode([row[0] for row in rows]).decode()
    connection.execute(_SQL["dequeue"], {"ids": text})
    connection.execute(_SQL["cancel"], {"ids": text, "now": now})
    for delivery_id, endpoint_id, lane in rows:
        if lane is not None:
            ordering.leave(connection, endpoint_id, lane, delivery_id, now)
    return len(rows)
