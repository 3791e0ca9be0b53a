"""A delivery: one event on its way to one endpoint. Its states are one table, the only place that says what may follow.

The same states stand as a CHECK in SQL, and the diagram in the docs is drawn from `TRANSITIONS`; tests compare them.
"""

from enum import StrEnum
from typing import Final

import msgspec


class State(StrEnum):
    """Where a delivery is in its life."""

    PENDING = "pending"
    SENDING = "sending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Move(StrEnum):
    """What can happen to a delivery; each arrow of the diagram has one of these names."""

    CLAIM = "claim"
    SUCCEED = "succeed"
    RETRY = "retry"
    EXHAUST = "exhaust"
    RELEASE = "release"
    RESCUE = "rescue"
    RESEND = "resend"
    CANCEL = "cancel"


class Trigger(StrEnum):
    """Why an attempt was made."""

    SCHEDULE = "schedule"
    RESEND = "resend"
    RECOVER = "recover"
    REPLAY = "replay"
    TEST = "test"


TRANSITIONS: Final[dict[tuple[State, Move], State]] = {
    (State.PENDING, Move.CLAIM): State.SENDING,
    (State.RETRYING, Move.CLAIM): State.SENDING,
    (State.SENDING, Move.SUCCEED): State.DELIVERED,
    (State.SENDING, Move.RETRY): State.RETRYING,
    (State.SENDING, Move.EXHAUST): State.FAILED,
    # Claimed, but no byte was written (drain, pause, limit): the attempt number is given back.
    (State.SENDING, Move.RELEASE): State.PENDING,
    # The owner died: an attempt is recorded as interrupted, outcome unknown; the schedule does not advance.
    (State.SENDING, Move.RESCUE): State.RETRYING,
    (State.PENDING, Move.RESEND): State.PENDING,
    (State.RETRYING, Move.RESEND): State.PENDING,
    (State.DELIVERED, Move.RESEND): State.PENDING,
    (State.FAILED, Move.RESEND): State.PENDING,
    (State.CANCELLED, Move.RESEND): State.PENDING,
    (State.PENDING, Move.CANCEL): State.CANCELLED,
    (State.RETRYING, Move.CANCEL): State.CANCELLED,
}

WAITING: Final = frozenset({State.PENDING, State.RETRYING})
"""A delivery in one of these has a row in `queue`."""
OPEN: Final = WAITING | {State.SENDING}
CLOSED: Final = frozenset(State) - OPEN

RESCUES_BEFORE_COUNTING: Final = 5
"""So many interruptions in a row, and the last one counts as a failed attempt on the schedule."""


class Delivery(msgspec.Struct, frozen=True):
    """A delivery as a reader sees it. Times are milliseconds since 1970; `attempts` counts all that were begun."""

    id: int
    app_id: str
    event_id: int
    event_public_id: str
    event_type: str
    endpoint_id: int
    state: State
    attempts: int
    next_attempt_at: int | None
    created_at: int
    updated_at: int
    delivered_at: int | None = None
