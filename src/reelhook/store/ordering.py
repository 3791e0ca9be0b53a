"""Ordered lanes: only the head of a lane is due; the others wait until the transaction that closes the one before.

A row of `ordered` stands for an open delivery; its position is its place. What is behind the head has `due_at`
`BLOCKED` in the queue and no `next_attempt_at`.

Where several nodes write, who joins a lane and who leaves it must see each other: or one finds a predecessor that is
just leaving, the other nobody behind it, and what joined waits for ever. So both lock the lane.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple
from zlib import crc32

from reelhook.model.delivery import OPEN, WAITING, State
from reelhook.ports import Acceptance, Completion
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

Lane = tuple[int, str]
"""An endpoint's id and the name of one of its lanes."""
LOCKS: Final = 512
"""Lanes share so many locks, because a transaction may be about thousands of lanes, and a server has room for some
thousand locks."""
EVERY_LANE: Final = range(LOCKS)
BLOCKED: Final = 1 << 62
"""`queue.due_at` of a delivery that waits for its predecessor."""
_SQL: Final = statements("queue")


class _Head(NamedTuple):
    delivery_id: int
    next_attempt_at: int | None
    state: str
    position: int


def lock(connection: Connection, lanes: Iterable[Lane]) -> None:
    """Keep other nodes from these lanes until the transaction ends."""
    connection.lock({lock_of(*lane) for lane in lanes})


def lock_of(endpoint_id: int, lane: str) -> int:
    """Return the lock of a lane, the same on every node."""
    return crc32(f"{endpoint_id} {lane}".encode(errors="surrogatepass")) % LOCKS


def locks_of(acceptances: Collection[Acceptance], completions: Collection[Completion]) -> set[int]:
    """Return the locks of all lanes that some acceptances join and some completions leave."""
    return {lock_of(*lane) for lanes in (_joined(acceptances), _left(completions)) for lane in lanes}


def join(connection: Connection, endpoint_id: int, lane: str, delivery_id: int, position: int) -> None:
    """Put a delivery that waits in the queue, due, at this place of its lane; block it when it is not the head."""
    lock(connection, [(endpoint_id, lane)])
    head = _head(connection, endpoint_id, lane)
    if head is not None:
        if position <= head.position:
            _put_before(connection, endpoint_id, lane, head, position)
        _block(connection, endpoint_id, delivery_id)
    connection.execute(_SQL["join_lane"], (endpoint_id, lane, position, delivery_id))


def leave(connection: Connection, endpoint_id: int, lane: str, delivery_id: int, now: int) -> None:
    """Take a closed delivery out of its lane and make the next one due."""
    lock(connection, [(endpoint_id, lane)])
    position = connection.execute(_SQL["position"], (delivery_id,)).get
    connection.execute(_SQL["leave_lane"], (endpoint_id, lane, position))
    promote(connection, endpoint_id, lane, now)


def promote(connection: Connection, endpoint_id: int, lane: str, now: int) -> None:
    """Make the head of a lane due, when it was blocked until now."""
    head = _head(connection, endpoint_id, lane)
    if head is None:
        return
    if head.next_attempt_at is None and State(head.state) in WAITING:
        connection.execute(_SQL["dequeue"], (endpoint_id, BLOCKED, head.delivery_id))
        connection.execute(_SQL["enqueue"], (endpoint_id, now, head.delivery_id))
        connection.execute(_SQL["set_due"], (now, now, head.delivery_id))


def dissolve(connection: Connection, endpoint_id: int, now: int) -> None:
    """Let nothing wait for anything any more: the endpoint is not ordered from now on."""
    connection.lock(EVERY_LANE)  # what is in its lanes by now is not all that others are about to put there
    values = {"endpoint_id": endpoint_id, "now": now}
    for name in ("unblock", "unblock_deliveries", "dissolve"):
        connection.execute(_SQL[name], values)


def _joined(acceptances: Collection[Acceptance]) -> Iterator[Lane]:
    for one in acceptances:
        for made in one.deliveries:
            yield from ((new.endpoint_id, new.lane) for new in made if new.lane is not None and not new.claim_id)


def _left(completions: Collection[Completion]) -> Iterator[Lane]:
    return ((one.endpoint_id, one.lane) for one in completions if one.lane is not None and one.state not in OPEN)


def _head(connection: Connection, endpoint_id: int, lane: str) -> _Head | None:
    row = connection.execute(_SQL["head_of_lane"], (endpoint_id, lane)).fetchone()
    return None if row is None else _Head(*row)


def _put_before(connection: Connection, endpoint_id: int, lane: str, head: _Head, position: int) -> None:
    """Let the head stay the head, though one comes that was accepted before it, as happens where that was on another
    node, or in one commit with a resend: it may be under way already. Nobody else has a place so low.
    """
    connection.execute(_SQL["leave_lane"], (endpoint_id, lane, head.position))
    connection.execute(_SQL["join_lane"], (endpoint_id, lane, position - 1, head.delivery_id))
    connection.execute(_SQL["place"], (position - 1, head.delivery_id))


def _block(connection: Connection, endpoint_id: int, delivery_id: int) -> None:
    due_at = connection.execute(_SQL["due_of"], (delivery_id,)).get
    connection.execute(_SQL["dequeue"], (endpoint_id, due_at, delivery_id))
    connection.execute(_SQL["enqueue"], (endpoint_id, BLOCKED, delivery_id))
    connection.execute(_SQL["block"], (delivery_id,))
