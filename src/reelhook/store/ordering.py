"""Ordered lanes: only the head of a lane is due; the others wait until the transaction that closes the one before.

A row of `ordered` stands for an open delivery; its position is its place. What is behind the head has `due_at`
`BLOCKED` in the queue and no `next_attempt_at`.
"""

from typing import Final

from reelhook.store.sql import Connection
from reelhook.store.statements import statements

BLOCKED: Final = 1 << 62
"""`queue.due_at` of a delivery that waits for its predecessor."""
_SQL: Final = statements("queue")


def join(connection: Connection, endpoint_id: int, lane: str, delivery_id: int, position: int) -> None:
    """Put a delivery that waits in the queue, due, at this place of its lane; block it when it is not the head."""
    connection.execute(_SQL["lock_lanes"])
    connection.execute(_SQL["join_lane"], (endpoint_id, lane, position, delivery_id))
    head = _head(connection, endpoint_id, lane)
    if head is None or head[0] == delivery_id:
        return
    due_at = connection.execute(_SQL["due_of"], (delivery_id,)).get
    connection.execute(_SQL["dequeue"], (endpoint_id, due_at, delivery_id))
    connection.execute(_SQL["enqueue"], (endpoint_id, BLOCKED, delivery_id))
    connection.execute(_SQL["block"], (delivery_id,))


def leave(connection: Connection, endpoint_id: int, lane: str, delivery_id: int, now: int) -> None:
    """Take a closed delivery out of its lane and make the next one due."""
    connection.execute(_SQL["lock_lanes"])
    position = connection.execute(_SQL["position"], (delivery_id,)).get
    connection.execute(_SQL["leave_lane"], (endpoint_id, lane, position))
    promote(connection, endpoint_id, lane, now)


def promote(connection: Connection, endpoint_id: int, lane: str, now: int) -> None:
    """Make the head of a lane due, when it was blocked until now."""
    head = _head(connection, endpoint_id, lane)
    if head is None:
        return
    delivery_id, next_attempt_at, state = head
    if next_attempt_at is None and state in ("pending", "retrying"):
        connection.execute(_SQL["dequeue"], (endpoint_id, BLOCKED, delivery_id))
        connection.execute(_SQL["enqueue"], (endpoint_id, now, delivery_id))
        connection.execute(_SQL["set_due"], (now, now, delivery_id))


def dissolve(connection: Connection, endpoint_id: int, now: int) -> None:
    """Let nothing wait for anything any more: the endpoint is not ordered from now on."""
    values = {"endpoint_id": endpoint_id, "now": now}
    for name in ("unblock", "unblock_deliveries", "dissolve"):
        connection.execute(_SQL[name], values)


def _head(connection: Connection, endpoint_id: int, lane: str) -> tuple[int, int | None, str] | None:
    row: tuple[int, int | None, str] | None = connection.execute(_SQL["head_of_lane"], (endpoint_id, lane)).fetchone()
    return row
