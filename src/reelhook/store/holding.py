"""An installation on hold: events are accepted and nothing is sent until somebody says so, above all after a restore.

Whatever was due while it was on hold would be sent at once when that ends. So the end can be given a rate: then each
delivery that is due gets a time of its own, one behind the other in the order in which they were accepted.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from reelhook.model.audit import AuditEntry
from reelhook.store.audit import add_entry
from reelhook.store.ordering import BLOCKED
from reelhook.store.select import Row, select, select_one, select_value
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements

HELD: Final = "held_since"
_SPREAD: Final = "spread_until"
_BEGAN: Final = "spread_at"
"""Up to when releases that may have been cut off have given out times, and the moments (ms) at which they began. What
has a time by then and was last changed in one of these moments has it from them, and gets another one, sooner or later:
a retry that is due by then has its time from its own attempt, which ended at another moment, and keeps it.
"""
_META: Final = statements("meta")
_SQL: Final = statements("holding")
_move: Final = Bulk(_SQL["move"], 4)
_postpone: Final = Bulk(_SQL["postpone"], 4)
_NOTHING: Final = -1
"""Nothing is due by then."""
_FEWEST: Final = 5000
_PARTS: Final = 100
"""A queue is gone through in at most so many parts, because each looks at all of it."""


class Waiting(msgspec.Struct, frozen=True):
    """What waits in the queue: all of it, and how much of that is due."""

    all: int
    due: int


def held_since(connection: Connection) -> int | None:
    """Return since when (ms) the installation is on hold; None when it is not."""
    value: int | None = select_value(connection, _META["get"], (HELD,))
    return value or None


def waiting(connection: Connection, now: int) -> Waiting:
    """Count what waits."""
    row = select_one(connection, _SQL["waiting"], {"now": now, "blocked": BLOCKED})
    return Waiting(row[0], row[1]) if row else Waiting(0, 0)


def hold(connection: Connection, now: int, entry: AuditEntry) -> bool:
    """Put the installation on hold; tell whether it was not before."""
    connection.begin()
    try:
        fresh = held_since(connection) is None
        if fresh:
            connection.execute(_META["put"], (HELD, now))
            add_entry(connection, entry)
        connection.commit()
    finally:
        connection.rollback()
    return fresh


def release(
    connection: Connection,
    now: int,
    rate: float | None,
    entry: AuditEntry,
    told: Callable[[int], None] = lambda _count: None,
) -> int:
    """End the hold; with a rate, have what is due by now begin so many a second. Return how many got a time of their
    own; `told` hears of each part. What is cut off is still on hold, and can be begun again, at another rate too.
    """
    spread = _spread(connection, now, rate, told)
    connection.begin()
    try:
        for name in (HELD, _SPREAD, _BEGAN):
            connection.execute(_META["drop"], (name,))
        add_entry(connection, entry)
        connection.commit()
    finally:
        connection.rollback()
    return spread


def _spread(connection: Connection, now: int, rate: float | None, told: Callable[[int], None]) -> int:
    """Give out times; without a rate what has one from a release before begins now, and nothing else is touched."""
    began: list[int] = msgspec.json.decode(select_value(connection, _META["get_bytes"], (_BEGAN,)) or b"[]")
    if rate is None and not began:
        return 0
    until = select_value(connection, _META["get"], (_SPREAD,)) or 0
    known = {"now": _NOTHING if rate is None else now, "until": until, "began": msgspec.json.encode(began).decode()}
    gap = 0.0 if rate is None else 1000 / rate
    limit = max(_FEWEST, waiting(connection, now).all // _PARTS)
    after = count = 0
    while True:
        connection.begin()
        try:
            rows = select(connection, _SQL["due"], {**known, "after": after, "limit": limit})
            times = [now + round((count + place) * gap) for place in range(len(rows))]
            _give_times(connection, rows, times, now)
            if rows:
                connection.execute(_META["put"], (_SPREAD, max(until, times[-1])))
                connection.execute(_META["put_bytes"], (_BEGAN, msgspec.json.encode([*began, now])))
            connection.commit()
        finally:
            connection.rollback()
        count += len(rows)
        told(count)
        if len(rows) < limit:
            return count
        after = rows[-1][2]


def _give_times(connection: Connection, rows: list[Row], times: list[int], now: int) -> None:
    """Move rows of the queue (endpoint id, due at, delivery id) to their times."""
    moved = [(*row, time) for row, time in zip(rows, times, strict=True) if time != row[1]]
    _postpone.run(connection, [(delivery_id, was, time, now) for _, was, delivery_id, time in moved])
    _move.run(connection, moved)
