"""The queue: what waits for each endpoint, taken in claims, given back, rescued, resent, cancelled."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import Any, Final

import msgspec

from reelhook.errors import Conflict, NotFound, OutcomeUnknown
from reelhook.model import ids
from reelhook.model.audit import AuditEntry
from reelhook.model.delivery import CLOSED, TRANSITIONS, Delivery, Move, State, Trigger
from reelhook.model.event import Event
from reelhook.ports import Claimed, Clock, Orphans, Rescued, Taken, Wait
from reelhook.store import ordering
from reelhook.store.claiming import Claim, DueInLoop
from reelhook.store.commit import GroupCommit
from reelhook.store.noting import note
from reelhook.store.reading import Points, Reading
from reelhook.store.recording import Recording
from reelhook.store.rescuing import Rescuing
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

Row = tuple[Any, ...]
_SQL: Final = statements("queue")


class StoredQueue:
    """Implements `Queue`. `find` finds what is due, where the writer does not; `rescued` is told when nothing is left
    of what the last process had under way.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the store is the only caller
        self,
        commit: GroupCommit,
        points: Points,
        reading: Reading,
        clock: Clock,
        identities: ids.IdSource,
        recording: Recording,
        find: DueInLoop | None = None,
        rescued: Callable[[], None] = lambda: None,
    ) -> None:
        self._commit = commit
        self._points = points
        self._clock = clock
        self._ids = identities
        self._rescuing = Rescuing(commit, reading, clock, identities, recording)
        self._find = find
        self._rescued = rescued

    def claim(self, endpoint_id: int, limit: int, due: int, claim_id: int, size: int) -> Awaitable[Taken]:
        """Take up to `limit` due deliveries of one endpoint, of no more than `size` bytes after the first."""
        claim = Claim(endpoint_id, claim_id, due, limit, size)
        if self._find is not None:
            claim.found = self._find(claim)
        weight = limit if claim.found is None else len(claim.found.items)
        claiming = self._commit.submit("claim", claim, weight=max(1, weight))
        claiming.add_done_callback(partial(self._claimed, claim))
        return claiming

    def _claimed(self, claim: Claim, claiming: "asyncio.Future[Taken]") -> None:
        """Put back what may have been claimed, and nobody knows: it must not stay `sending`."""
        if claim.found and not claiming.cancelled() and isinstance(claiming.exception(), OutcomeUnknown):
            putting_back = self._commit.submit("release", [item for _, item in claim.found.items], must=True)
            putting_back.add_done_callback(asyncio.Future.exception)

    def release(self, claimed: Iterable[Claimed]) -> Awaitable[None]:
        """Give back deliveries of which no byte was written."""
        items = list(claimed)
        return self._commit.submit("release", items, must=True, weight=max(1, len(items)))

    def next_due(self, endpoint_id: int) -> int | Awaitable[int | None] | None:
        """Return when the endpoint's first waiting delivery is due."""
        return self._points.run(lambda connection: connection.execute(_SQL["next_due"], (endpoint_id,)).get)

    def waiting(self, shards: Collection[int] | None = None) -> dict[int, int] | Awaitable[dict[int, int]]:
        """Return for every endpoint of these shards with waiting deliveries when the first is due."""
        return self._points.run(partial(_waiting, shards=shards))

    async def rescue(self, now: int, wait: Wait, orphans: Orphans | None = None) -> Rescued:
        """Free what a process that is gone left in `sending`."""
        rescued = await self._rescuing.rescue(now, wait, orphans)
        self._rescued()
        return rescued

    def resend(
        self, app_id: str, delivery_id: int, trigger: Trigger, now: int, entry: AuditEntry | None = None
    ) -> Awaitable[Delivery]:
        """Put a delivery back to `pending`, its schedule restarted."""
        position = self._ids.take(self._clock.wall())

        def job(connection: Connection) -> Delivery:
            resent = _resend(connection, _load_to_change(connection, app_id, delivery_id), trigger, now, position)
            note(connection, entry)
            return resent

        return self._commit.submit("write", job)

    def add(self, event: Event, endpoint_id: int, lane: str | None) -> Awaitable[None]:
        """Make a delivery, cancelled for now, of an event for an endpoint; a replay sends it. Nothing is made
        when it has one.
        """
        number = self._ids.take(self._clock.wall())
        row = (number, event.app_id, event.id, endpoint_id, self._clock.wall(), lane)

        def job(connection: Connection) -> None:
            if connection.execute(_SQL["has_delivery"], {"event_id": event.id, "endpoint_id": endpoint_id}).get:
                return
            connection.execute(_SQL["add_delivery"], row)
            connection.execute(_SQL["add_later"], (event.id, number))

        return self._commit.submit("write", job)

    def cancel(self, app_id: str, delivery_id: int, now: int, entry: AuditEntry | None = None) -> Awaitable[Delivery]:
        """Cancel a waiting delivery."""

        def job(connection: Connection) -> Delivery:
            cancelled = _cancel(connection, app_id, delivery_id, now)
            note(connection, entry)
            return cancelled

        return self._commit.submit("write", job)


def _waiting(connection: Connection, shards: Collection[int] | None) -> dict[int, int]:
    text = None if shards is None else msgspec.json.encode(sorted(shards)).decode()
    return dict(connection.execute(_SQL["waiting"], {"shards": text}).fetchall())


def _load(connection: Connection, app_id: str, delivery_id: int, statement: str = "delivery") -> Row:
    row: Row | None = connection.execute(_SQL[statement], (delivery_id, app_id)).fetchone()
    if row is None:
        raise NotFound("there is no such delivery")
    return row


def _load_to_change(connection: Connection, app_id: str, delivery_id: int) -> Row:
    """Read a delivery that nobody else changes before this transaction ends, nor its lane."""
    row = _load(connection, app_id, delivery_id, "delivery_to_change")
    endpoint_id, lane = row[3], row[9]
    if lane is not None:
        ordering.lock(connection, [(endpoint_id, lane)])
    return row


def _resend(connection: Connection, row: Row, trigger: Trigger, now: int, position: int) -> Delivery:
    delivery_id, app_id, _, endpoint_id, state, _, due_at, _, _, lane, place = row
    if connection.execute(_SQL["endpoint_exists"], (endpoint_id,)).get is None:
        raise Conflict("the endpoint of this delivery was deleted; there is nowhere to send it")
    if (State(state), Move.RESEND) not in TRANSITIONS:
        raise Conflict("the delivery is being sent at this moment; wait for its result, then resend")
    waits = State(state) not in CLOSED
    if waits and due_at is None:
        raise Conflict("the delivery waits for the one before it in its ordered lane; resend or cancel that one")
    if waits:
        connection.execute(_SQL["dequeue"], (endpoint_id, due_at, delivery_id))
        position = place
    connection.execute(_SQL["resend"], (trigger.value, now, now, None if lane is None else position, delivery_id))
    connection.execute(_SQL["enqueue"], (endpoint_id, now, delivery_id))
    if lane is not None and not waits:
        ordering.join(connection, endpoint_id, lane, delivery_id, position)
    return load(connection, app_id, delivery_id)


def _cancel(connection: Connection, app_id: str, delivery_id: int, now: int) -> Delivery:
    row = _load_to_change(connection, app_id, delivery_id)
    endpoint_id, state, due_at, lane = row[3], State(row[4]), row[6], row[9]
    if (state, Move.CANCEL) not in TRANSITIONS:
        raise Conflict(f"the delivery is {state.value}; only a pending or retrying one can be cancelled")
    connection.execute(_SQL["dequeue"], (endpoint_id, ordering.BLOCKED if due_at is None else due_at, delivery_id))
    connection.execute(_SQL["cancel"], (now, delivery_id))
    if lane is not None:
        ordering.leave(connection, endpoint_id, lane, delivery_id, now)
    return load(connection, app_id, delivery_id)


def load(connection: Connection, app_id: str, delivery_id: int) -> Delivery:
    """Read one delivery as the API shows it."""
    row = _load(connection, app_id, delivery_id)
    event = connection.execute(_SQL["event"], (row[2],)).fetchone()
    if event is None:
        raise NotFound("the event of this delivery is past its retention")
    return Delivery(
        id=delivery_id,
        app_id=app_id,
        event_id=row[2],
        event_public_id=event[1] or ids.show("evt", row[2]),
        event_type=event[0],
        endpoint_id=row[3],
        state=State(row[4]),
        attempts=row[5],
        next_attempt_at=row[6],
        created_at=ids.time_of(delivery_id),
        updated_at=row[7],
        delivered_at=row[8],
    )


def count_waiting(connection: Connection) -> tuple[int, int | None]:
    """Count what waits, and find when the first of it was due; a scan of the queue, to be run off the loop."""
    row: tuple[int, int | None] | None = connection.execute(_SQL["count_waiting"]).fetchone()
    return row or (0, None)
