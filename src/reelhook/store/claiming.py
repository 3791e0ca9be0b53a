"""Claims: what is due for an endpoint is found, taken out of the queue, and given back."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from reelhook.model.delivery import Trigger
from reelhook.model.event import Event
from reelhook.ports import Claimed, Taken
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements

Row = tuple[Any, ...]
_SQL: Final = statements("queue")
_JOURNAL: Final = statements("journal")


class Due(NamedTuple):
    """Deliveries that may be taken, each with when it was due, and when the first one behind them is."""

    items: list[tuple[int, Claimed]]
    next_due: int | None


NOTHING: Final = Due([], None)


class Claim(msgspec.Struct, eq=False, gc=False):
    """One claim on its way to the writer: which rows, under which claim id; or, where the writer is to look for them,
    how many of how many bytes (`found` is None until it has).
    """

    endpoint_id: int
    claim_id: int
    now: int
    limit: int
    size: int
    found: Due | None = None

    def choose(self, rows: Iterable[Row]) -> Due:
        """Take rows of what waits, in their order, while they are due and fit; the first does, however large it is."""
        chosen: list[tuple[int, Claimed]] = []
        size = self.size
        for row in rows:
            due, delivery_id = row[0], row[1]
            if delivery_id is None or len(chosen) == self.limit:
                return Due(chosen, due)
            claimed = _claimed(self, row)
            size -= len(claimed.event.data)
            if chosen and size < 0:
                return Due(chosen, due)
            chosen.append((due, claimed))
        return Due(chosen, None)


class Claiming:
    """What the writer does for claims and releases, many at once."""

    def __init__(self) -> None:
        self._claim = Bulk(_SQL["claim"], 4)
        self._claims = Bulk(_SQL["insert_claims"], 1)
        self._claimed = Bulk(_SQL["claimed"], 2)
        self._delete_claims = Bulk(_JOURNAL["delete_claims"], 1)
        self._dequeue = Bulk(_SQL["delete_queue"], 3)
        self._enqueue = Bulk(_JOURNAL["insert_queue"], 3)
        self._release = Bulk(_SQL["release"], 3)
        self._released = Bulk(_SQL["released"], 2)

    def claim(self, connection: Connection, claims: Sequence[Claim]) -> list[Taken]:
        """Take the deliveries; leave out those that were cancelled or resent since they were found."""
        wanted = [claim.found or NOTHING for claim in claims]
        rows = [
            (item.id, claim.claim_id, claim.now, due)
            for claim, found in zip(claims, wanted, strict=True)
            for due, item in found.items
        ]
        if self._claim.run(connection, rows) != len(rows):
            ours = {(row[0], row[1]) for row in self._claimed.select(connection, [row[:2] for row in rows])}
            wanted = [_without_lost(claim, found, ours) for claim, found in zip(claims, wanted, strict=True)]
        taken = [pair for found in wanted for pair in found.items]
        self._dequeue.run(connection, [(item.endpoint_id, due, item.id) for due, item in taken])
        self._claims.run(connection, [(item.id,) for _, item in taken])
        return [Taken([item for _, item in found.items], found.next_due) for found in wanted]

    def release(self, connection: Connection, released: Sequence[Sequence[Claimed]], now: int) -> None:
        """Give deliveries back to the queue, due at once, their attempt number taken back."""
        items = [item for group in released for item in group]
        if self._release.run(connection, [(item.id, item.claim_id, now) for item in items]) != len(items):
            free = {row[0] for row in self._released.select(connection, [(item.id, now) for item in items])}
            items = [item for item in items if item.id in free]
        self._delete_claims.run(connection, [(item.id,) for item in items if item.from_queue])
        self._enqueue.run(connection, [(item.endpoint_id, now, item.id) for item in items])


class DueInLoop:
    """Finds what is due before the commit that takes it: one process alone writes, so it stays so until then."""

    def __init__(self, reader: Connection) -> None:
        self._reader = reader

    def __call__(self, claim: Claim) -> Due:
        """Return what a claim may take."""
        bindings = {"endpoint_id": claim.endpoint_id, "due": claim.now, "most": claim.limit + 1}
        return claim.choose(self._reader.execute(_SQL["due"], bindings).fetchall())


def _without_lost(claim: Claim, found: Due, ours: set[tuple[int, int]]) -> Due:
    """Leave out what became somebody else's since it was found; it may be in the queue again, due at another time."""
    items = [(due, item) for due, item in found.items if (item.id, claim.claim_id) in ours]
    return found if len(items) == len(found.items) else Due(items, claim.now)


def _claimed(claim: Claim, row: Row) -> Claimed:
    _, delivery_id, attempts, step, trigger, rescues, last_attempt_id, lane, *event = row
    return Claimed(
        delivery_id,
        claim.claim_id,
        claim.endpoint_id,
        Event(*event),
        attempts + 1,
        step,
        Trigger(trigger),
        rescues,
        last_attempt_id,
        lane,
    )
