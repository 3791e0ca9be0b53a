"""Writes accepted events with their deliveries, many publishes at once."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from reelhook.ports import Acceptance, NewDelivery
from reelhook.store import ordering
from reelhook.store.assets import RememberingAssets
from reelhook.store.sql import Bulk, Connection
from reelhook.store.statements import statements

Row = tuple[Any, ...]
_SQL: Final = statements("journal")


class KeepsKeys(Protocol):
    """Writes what makes acceptances happen once."""

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> None: ...  # noqa: D102


class Keys:
    """Writes keys that were looked for before, where nobody else stores any."""

    def __init__(self) -> None:
        self._insert = Bulk(_SQL["insert_keys"], 7)

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> None:
        """Write them."""
        self._insert.run(connection, key_rows(acceptances))


class Accepting:
    """The left half of an event's life, as SQL."""

    def __init__(self, keys: KeepsKeys | None = None) -> None:
        self._events = Bulk(_SQL["insert_events"], 10)
        self._deliveries = Bulk(_SQL["insert_deliveries"], 14)
        self._queue = Bulk(_SQL["insert_queue"], 3)
        self._keys = keys or Keys()
        self._assets = RememberingAssets()

    def run(self, connection: Connection, acceptances: Sequence[Acceptance]) -> list[bytes]:
        """Write them all, inside the writer's transaction; return their answers."""
        self._events.run(connection, _event_rows(acceptances))
        deliveries = list(_with_events(acceptances))
        self._deliveries.run(connection, [_delivery_row(*item) for item in deliveries])
        waiting = [item for item in deliveries if not item[0].claim_id]
        self._queue.run(connection, [(new.endpoint_id, now, new.id) for new, _, _, now in waiting])
        self._keys.run(connection, acceptances)
        self._assets.run(connection, acceptances)
        for new, _, _, _ in waiting:
            if new.lane is not None:
                ordering.join(connection, new.endpoint_id, new.lane, new.id, new.id)
        return [one.answer for one in acceptances]


def key_rows(acceptances: Sequence[Acceptance]) -> list[Row]:
    """Return the rows of `keys`."""
    return [
        (one.app_id, key.kind, key.key, key.fingerprint, key.answer, key.event_id, key.expires_at)
        for one in acceptances
        for key in one.keys
    ]


def _event_rows(acceptances: Sequence[Acceptance]) -> list[Row]:
    return [
        (
            event.id,
            event.app_id,
            event.type,
            event.given_id,
            event.occurred_at,
            event.accepted_at,
            event.ordering_key,
            event.source,
            event.data,
            len(deliveries),
        )
        for one in acceptances
        for event, deliveries in zip(one.events, one.deliveries, strict=True)
    ]


def _with_events(acceptances: Sequence[Acceptance]) -> "list[tuple[NewDelivery, int, str, int]]":
    return [
        (new, event.id, event.app_id, one.due_at)
        for one in acceptances
        for event, deliveries in zip(one.events, one.deliveries, strict=True)
        for new in deliveries
    ]


def _delivery_row(new: NewDelivery, event_id: int, app_id: str, now: int) -> Row:
    position = None if new.lane is None else new.id
    head = (new.id, app_id, event_id, new.endpoint_id)
    if new.claim_id:
        return (*head, "sending", 1, 0, 0, "schedule", new.claim_id, None, now, new.lane, position)
    return (*head, "pending", 0, 0, 0, "schedule", None, now, now, new.lane, position)
