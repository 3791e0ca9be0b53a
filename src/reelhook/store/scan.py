"""Looks for the ids of one page, from new to old, at no more than a bounded number of rows.

What is not found within the bound is left to the next page: a page may be short and still have a `next`.
"""

import heapq
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from reelhook.store.log_statements import LOG_SQL
from reelhook.store.select import select_column, select_value
from reelhook.store.sql import Connection

BUDGET: Final = 5000
"""Rows that one search looks at."""
_MERGED: Final = 20_000
_GROWTH: Final = 4
Stream = tuple[str, Any]
"""An index in the order of ids, and the key in it: (statement, key)."""


class Scan:
    """One search in one table. `bindings` are the filters, `wanted` is how many ids are enough."""

    def __init__(self, connection: Connection, table: str, bindings: dict[str, Any], wanted: int) -> None:
        self._connection = connection
        self._among = LOG_SQL[f"{table}_among"]
        self._bindings = bindings
        self._wanted = wanted
        self._left = BUDGET
        self.found: list[int] = []

    def between(self, statement: str, low: int, below: int) -> int | None:
        """Search `low` <= id < `below` with a statement that has its `…_depth` beside it.

        Returns:
            Where to go on (below that id); None when the range is done.
        """
        if below <= low:
            return None
        bounds = {**self._bindings, "low": low, "below": below, "budget": self._left}
        depth: int | None = select_value(self._connection, LOG_SQL[f"{statement}_depth"], bounds)
        floor = low if depth is None else depth + 1
        self._take(statement, {**bounds, "low": floor})
        if self._is_full:
            return self.found[-1]
        if depth is None:
            return None
        self._left = 0
        return floor

    def streams(self, streams: Sequence[Stream], low: int, below: int) -> int | None:
        """Search `low` <= id < `below` of what the streams hold together; return as `between` does."""
        most = max(self._wanted, _MERGED // max(1, len(streams)))
        chunk = min(self._wanted, most)
        while self._left > 0:
            batch = self._merged(streams, low, below, chunk)
            self.among(batch, low, below)
            if self._is_full:
                return self.found[-1]
            if len(batch) < chunk:
                return None
            below = batch[-1]
            self._left -= len(batch)
            chunk = max(1, min(chunk * _GROWTH, self._left, most))
        return below

    def among(self, ids: Sequence[int], low: int, below: int) -> int | None:
        """Search the given ids; return as `between` does."""
        if ids:
            chosen = msgspec.json.encode(ids).decode()
            self._take(self._among, {**self._bindings, "low": low, "below": below, "ids": chosen}, named=False)
        return self.found[-1] if self._is_full else None

    @property
    def spent(self) -> bool:
        """Whether no row may be looked at any more."""
        return self._left <= 0

    @property
    def _is_full(self) -> bool:
        return len(self.found) >= self._wanted

    def _take(self, statement: str, bindings: dict[str, Any], *, named: bool = True) -> None:
        sql = LOG_SQL[statement] if named else statement
        bindings["limit"] = self._wanted - len(self.found)
        self.found += select_column(self._connection, sql, bindings)

    def _merged(self, streams: Sequence[Stream], low: int, below: int, limit: int) -> list[int]:
        bounds = {"app_id": self._bindings["app_id"], "low": low, "below": below, "limit": limit}
        parts = [
            select_column(self._connection, LOG_SQL[statement], {**bounds, "key": key}) for statement, key in streams
        ]
        if len(parts) == 1:
            return parts[0]
        return heapq.nlargest(limit, set().union(*parts))
