"""History: the last attempts at one endpoint, for whoever goes on sending to it."""

from collections.abc import Sequence
from functools import partial

from reelhook.model.attempt import Failure
from reelhook.model.ids import id_at
from reelhook.ports import PastAttempt
from reelhook.store.indexing import indexed_until
from reelhook.store.log_statements import LOG_SQL
from reelhook.store.reading import Reading
from reelhook.store.select import select
from reelhook.store.sql import Connection


class StoredHistory:
    """Implements `History`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def recent(self, endpoint_id: int, since: int, limit: int) -> Sequence[PastAttempt]:
        """Read the last attempts, oldest first."""
        return await self._reading.run(partial(_recent, endpoint_id=endpoint_id, since=since, limit=limit))


def _recent(connection: Connection, endpoint_id: int, since: int, limit: int) -> Sequence[PastAttempt]:
    bounds = {
        "endpoint_id": endpoint_id,
        "low": id_at(since),
        "indexed": indexed_until(connection, "attempts"),
        "limit": limit,
    }
    return [
        PastAttempt(at, duration, status_code, None if failure is None else Failure(failure))
        for at, duration, status_code, failure in reversed(select(connection, LOG_SQL["recent"], bounds))
    ]
