"""Work in arrears: brings the indexes of the log up to date, some hundreds of rows at a time.

A watermark in `meta` says up to which id each table is indexed. Rows become visible in the order of their ids, except
within the moment between an id being taken and its commit: the newest seconds are left alone.
"""

import asyncio
from typing import Final

from reelhook.model import ids
from reelhook.ports import Clock
from reelhook.store.commit import GroupCommit
from reelhook.store.indexing import FILLS, Chunk, indexed_until
from reelhook.store.select import select_one
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

_SQL: Final = statements("arrears")
_LAG_MS: Final = 2000


class Arrears:
    """Implements `Upkeep.index`."""

    def __init__(self, commit: GroupCommit, reader: Connection, clock: Clock) -> None:
        self._commit = commit
        self._reader = reader
        self._clock = clock

    async def index(self, limit: int) -> int:
        """Index up to `limit` rows; return how many. Nothing is written when there is nothing to do."""
        chunks = self._plan(limit)
        if not chunks:
            return 0
        indexed: int = await asyncio.shield(self._commit.submit("index", chunks))
        return indexed

    def _plan(self, limit: int) -> list[Chunk]:
        end = ids.id_at(self._clock.wall() - _LAG_MS)
        chunks = []
        for table in FILLS:
            after = indexed_until(self._reader, table)
            bounds = {"after": after, "end": end, "limit": limit}
            count, until = select_one(self._reader, _SQL[f"next_{table}"], bounds) or (0, None)
            if count:
                chunks.append(Chunk(table, after, until, count))
                limit -= count
        return chunks
