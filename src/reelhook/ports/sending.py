"""What the dispatcher works on: what waits, what is claimed, what came of it."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from reelhook.model.attempt import Failure, Timing, Verdict
from reelhook.model.audit import AuditEntry
from reelhook.model.delivery import Delivery, State, Trigger
from reelhook.model.endpoint import DisabledReason, Disabling
from reelhook.model.event import Event
from reelhook.model.quota import Quota


class Claimed(msgspec.Struct, gc=False):
    """A delivery that this process owns and may send now.

    `attempts` counts this attempt too. `step` is the number of scheduled attempts before this one since the schedule
    (re)started. `previous_attempt_id` chains the attempts of a delivery together. `from_queue` is False when accept
    handed it over without queueing it. `quota` is how its app stands with this attempt, once that has begun.
    """

    id: int
    claim_id: int
    endpoint_id: int
    event: Event
    attempts: int
    step: int
    trigger: Trigger
    rescues: int = 0
    previous_attempt_id: int | None = None
    lane: str | None = None
    from_queue: bool = True
    quota: Quota | None = None


class Taken(NamedTuple):
    """What a claim took from an endpoint's queue, and when the first of what it left there is due (ms); None when
    nothing waits.
    """

    claimed: Sequence[Claimed]
    next_due: int | None


class AttemptRecord(msgspec.Struct, gc=False):
    """An attempt as it goes to the store. `head` is the masked request head; `body` is stored as `prefix + the event's
    data + suffix` when `frame` is given, else whole in `body`.
    """

    id: int
    app_id: str
    delivery_id: int | None
    event: Event
    event_name: str
    endpoint_id: int
    endpoint_version: int
    number: int
    at: int
    status_code: int | None
    failure: Failure | None
    error: str | None
    trigger: Trigger
    timing: Timing
    previous_id: int | None
    head: bytes
    frame: tuple[bytes, bytes] | None
    body: bytes | None
    response_head: bytes
    response_body: bytes
    truncated: bool
    remote_address: str | None
    replayed: bool = False
    renewed: bool = False


class Completion(msgspec.Struct, gc=False):
    """An attempt together with what it makes of its delivery, committed together; `at` is when it ended (ms)."""

    delivery_id: int
    claim_id: int
    endpoint_id: int
    state: State
    step: int
    rescues: int
    at: int
    due_at: int | None
    attempt: AttemptRecord
    lane: str | None = None
    from_queue: bool = True


Wait = Callable[[int, int], float | None]
"""How long (s) a delivery for this endpoint waits after so many steps of its schedule; None: it is used up."""


class Orphans(msgspec.Struct, frozen=True):
    """Which deliveries in `sending` nobody sends any more: those for endpoints of these shards, but for what this
    process has in hand; where other processes may still give back what they have, only those that were claimed before
    a time (ms, scheduling time). `epochs` says under which each shard is ours: for one that has another by now, what is
    in `sending` is its next owner's.
    """

    shards: Collection[int]
    in_hand: Collection[int] = frozenset()
    claimed_before: int | None = None
    epochs: Mapping[int, int] | None = None


class Rescued(msgspec.Struct):
    """What a rescue has freed: how many, and those of them that are not sent again."""

    count: int = 0
    given_up: list[Completion] = []


class PastAttempt(NamedTuple):
    """An attempt as a rate limit and a circuit see it; `at` is when it ended (ms, wall time)."""

    at: int
    duration_ms: float
    status_code: int | None
    failure: Failure | None


class History(Protocol):
    """What was sent to an endpoint lately, by whichever process."""

    async def recent(self, endpoint_id: int, since: int, limit: int) -> Sequence[PastAttempt]:
        """Read the last attempts that ended at `since` (ms, wall time) or later, at most so many, oldest first."""
        ...


class Queue(Protocol):
    """What waits to be sent."""

    def claim(self, endpoint_id: int, limit: int, due: int, claim_id: int, size: int) -> Awaitable[Taken]:
        """Take up to `limit` deliveries of one endpoint that are due; they are `sending` and ours when this returns.

        Their events have up to `size` bytes together; the first is taken however large it is.
        """
        ...

    def release(self, claimed: Iterable[Claimed]) -> Awaitable[None]:
        """Give back deliveries of which no byte was written; the attempt number is given back too."""
        ...

    def rescue(self, now: int, wait: Wait, orphans: Orphans | None = None) -> Awaitable[Rescued]:
        """Free what other processes left in `sending`, each with an attempt `interrupted`: it is due at once, or,
        when it was interrupted so often that it counts as a failed attempt, when `wait` says. Without `orphans` no
        other process lives, and all of it is freed.
        """
        ...

    def next_due(self, endpoint_id: int) -> int | Awaitable[int | None] | None:
        """Return when the endpoint's first waiting delivery is due (ms); None when nothing waits."""
        ...

    def waiting(self, shards: Collection[int] | None = None) -> dict[int, int] | Awaitable[dict[int, int]]:
        """Return for every endpoint of these shards (None: of all) with deliveries that wait for their time when the
        first of them is due.
        """
        ...

    def resend(
        self, app_id: str, delivery_id: int, trigger: Trigger, now: int, entry: AuditEntry | None = None
    ) -> Awaitable[Delivery]:
        """Put a delivery back to `pending`, its schedule restarted; Conflict while sending, NotFound if not theirs."""
        ...

    def add(self, event: Event, endpoint_id: int, lane: str | None) -> Awaitable[None]:
        """Make a delivery, cancelled for now, of an event for an endpoint that never had it; a replay sends it."""
        ...

    def cancel(self, app_id: str, delivery_id: int, now: int, entry: AuditEntry | None = None) -> Awaitable[Delivery]:
        """Cancel a waiting delivery; Conflict in any other state."""
        ...


class HandOver(Protocol):
    """Where accept passes on what it made: straight to the dispatcher where the endpoint keeps up, else as a hint."""

    def reserve(self, endpoint_id: int, size: int) -> bool:
        """Ask for a place for so many bytes in the dispatcher's memory; each is given back by `take` or `cancel`."""
        ...

    def take(self, claimed: Sequence[Claimed]) -> None:
        """Take over deliveries that are committed, in the places reserved for them."""
        ...

    def cancel(self, places: Iterable[tuple[int, int]]) -> None:
        """Give reserved places back, each an endpoint and a size: the commit failed."""
        ...

    def doubt(self, claimed: Sequence[Claimed]) -> None:
        """Give reserved places back of deliveries of which nobody knows whether they are committed: if so, they are to
        wait in the queue.
        """
        ...

    def waits(self, endpoint_ids: Iterable[int], due_at: int) -> None:
        """Hear that something is in the queue for these endpoints."""
        ...


class Delivered(msgspec.Struct, gc=False):
    """What `deliver` returns: the completion to be recorded, and the verdict that the endpoint's lane learns from;
    where the endpoint must be disabled now, why, and with which figures.
    """

    completion: Completion
    verdict: Verdict
    disabled: DisabledReason | None = None
    disabling: Disabling | None = None
