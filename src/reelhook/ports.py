"""The seams: what the pipeline, the workers and the API need of the world, each small, named by need.

`store` and `transport` implement them; tests and the simulator put scripted ones in the place of `Wire` and `Clock`.
Methods that return an awaitable touch the disk through the group commit, or read pages off the loop; plain methods
are point reads (a few microseconds) and may be called anywhere in the loop.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from reelhook.model.access import App, LinkRefresh, Token
from reelhook.model.attempt import Attempt, AttemptDetail, Failure, Timing, Verdict
from reelhook.model.audit import AuditEntry
from reelhook.model.delivery import Delivery, State, Trigger
from reelhook.model.endpoint import DisabledReason, Disabling, Endpoint
from reelhook.model.event import Event
from reelhook.model.event_type import EventType
from reelhook.model.http import Request, Response
from reelhook.model.page import LogFilter, Page, Stats
from reelhook.model.quota import Quota
from reelhook.model.task import Selection, Task

T_co = TypeVar("T_co", covariant=True)


class Clock(Protocol):
    """Two times in milliseconds since 1970: one to plan by, one to write down."""

    def now(self) -> int:
        """Return scheduling time: monotonic, anchored to wall time once at the start; never jumps."""
        ...

    def wall(self) -> int:
        """Return wall time, for signatures and records."""
        ...


class Wire(Protocol):
    """Sends one request to a stranger."""

    async def send(self, request: Request) -> Response:
        """Send it, once, within its timeout. Never raises for what the network or the receiver does."""
        ...


class NewDelivery(msgspec.Struct, gc=False):
    """A delivery to be made with its event. `claim_id` is 0 when it shall wait in the queue, else it is claimed
    already for the dispatcher of this process; `lane` is the ordering key where the endpoint is ordered.
    """

    id: int
    endpoint_id: int
    claim_id: int = 0
    lane: str | None = None


class Key(msgspec.Struct, gc=False):
    """What makes a publish happen once: an `Idempotency-Key` or an event id of the client's.

    `kind` names the namespace (token and route, or `event`); `fingerprint` is of the content; `answer` is what a
    repetition gets; `expires_at` is ms.
    """

    kind: str
    key: str
    fingerprint: bytes
    answer: bytes
    expires_at: int
    event_id: int = 0


class StoredKey(msgspec.Struct, gc=False):
    """A key seen before: what its content was, and what was answered."""

    fingerprint: bytes
    answer: bytes
    event_id: int


class SealedAnswer(msgspec.Struct, gc=False):
    """A key of an app with its answer sealed: what a store commits together with the change that the answer tells of.

    `sealed_at` is when (ms), so that one that has expired gives way.
    """

    app_id: str
    key: Key
    sealed_at: int


class Telling(NamedTuple):
    """One change of an asset as one endpoint hears of it: under the name of its dialect, and when it happened (ms)."""

    endpoint_id: int
    event_name: str
    asset: str
    occurred_at: int


class Told(NamedTuple):
    """That a change was told, as which canonical type, and until when that is remembered (ms)."""

    telling: Telling
    event_type: str
    expires_at: int


class Acceptance(msgspec.Struct, gc=False):
    """Everything that one publish promises, committed together or not at all; `deliveries[i]` belong to `events[i]`.

    `due_at` (ms, scheduling time) is when what waits is due: at once. `answer` is what the publisher is told then.
    `contexts` are pairs of an asset's id and a context: what an asset has already stays. `version` is the journal's
    own: which version of the app it was matched against.
    """

    app_id: str
    events: Sequence[Event]
    deliveries: Sequence[Sequence[NewDelivery]]
    due_at: int
    answer: bytes = b""
    keys: Sequence[Key] = ()
    contexts: Sequence[tuple[str, str]] = ()
    tellings: Sequence[Told] = ()
    version: int = 0


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
    a time (ms, wall time).
    """

    shards: Collection[int]
    in_hand: Collection[int] = frozenset()
    claimed_before: int | None = None


class Rescued(msgspec.Struct):
    """What a rescue has freed: how many, and those of them that are not sent again."""

    count: int = 0
    given_up: list[Completion] = []


class Committing(Awaitable[T_co], Protocol[T_co]):
    """Something that is being committed: what the loop's futures offer. The store calls back at once when it is done,
    without a turn of the loop for each.
    """

    def add_done_callback(self, call: Callable[[Any], object], /) -> None: ...  # noqa: D102
    def cancelled(self) -> bool: ...  # noqa: D102
    def exception(self) -> BaseException | None: ...  # noqa: D102
    def result(self) -> T_co: ...  # noqa: D102


class Journal(Protocol):
    """Writes the two promises of the product; batching hides behind it."""

    def recall(self, app_id: str, kind: str, key: str) -> "StoredKey | Awaitable[StoredKey | None] | None":
        """Return what is known of a key: stored, being stored at this moment, or nothing."""
        ...

    def accept(self, acceptance: Acceptance) -> Committing[bytes]:
        """Commit events with their deliveries and keys; done, with the answer, when it is on disk."""
        ...

    def record(self, completion: Completion) -> Committing[bool]:
        """Commit an attempt and its delivery's new state; False when the claim was no longer ours (then only the
        attempt is recorded).
        """
        ...

    def record_test(self, attempt: AttemptRecord) -> Awaitable[None]:
        """Commit an attempt that belongs to no delivery."""
        ...


class Contexts(Protocol):
    """The context that each asset was first seen with."""

    def recall(self, app_id: str, asset_ids: Sequence[str]) -> str | Awaitable[str | None] | None:
        """Return the context of an asset by its ids, the first that has one: stored, being stored at this moment, or
        nothing.
        """
        ...


class Tellings(Protocol):
    """Which endpoints were told of which changes, where one change may be posted as several types."""

    def recall(self, app_id: str, telling: Telling) -> str | Awaitable[str | None] | None:
        """Return as which type it was told: stored, being stored at this moment, or nothing."""
        ...


class Holding(msgspec.Struct, frozen=True):
    """What this node has: the number that goes into its ids, the epoch of each shard that is leased to it, and which of
    these are more than its fair share.
    """

    number: int
    epochs: Mapping[int, int]
    surplus: frozenset[int]


class Members(Protocol):
    """This node among those that share a database. Every method raises Unavailable while that cannot be reached."""

    async def renew(self, *, takes: bool) -> Holding:
        """Renew all leases; a node that `takes` shards takes what nobody has, up to its fair share, which is nothing
        for one that does not.
        """
        ...

    async def give(self, shards: Collection[int]) -> None:
        """Let others have shards for which nothing is under way here any more."""
        ...

    async def leave(self) -> None:
        """Stop being a member, and let others have all shards at once."""
        ...


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

    def claim(self, endpoint_id: int, limit: int, due: int, claim_id: int, size: int) -> Awaitable[Sequence[Claimed]]:
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

    def waiting(self) -> dict[int, int] | Awaitable[dict[int, int]]:
        """Return for every endpoint with waiting deliveries when the first is due."""
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


class Log(Protocol):
    """Reads what happened; every method is scoped by the app."""

    async def attempts(self, where: LogFilter, cursor: str | None, limit: int) -> Page[Attempt]:
        """List attempts, newest first."""
        ...

    def export(self, where: LogFilter) -> AsyncIterator[Sequence[Attempt]]:
        """Yield all attempts that match, newest first, in parts that never fill the memory."""
        ...

    async def attempt(self, app_id: str, attempt_id: int) -> AttemptDetail | None:
        """Read one attempt with its request and response."""
        ...

    async def attempts_of(self, app_id: str, delivery_id: int) -> Sequence[Attempt]:
        """Read all attempts of one delivery, oldest first."""
        ...

    async def deliveries(self, where: LogFilter, cursor: str | None, limit: int) -> Page[Delivery]:
        """List deliveries, newest first."""
        ...

    async def delivery(self, app_id: str, delivery_id: int) -> Delivery | None:
        """Read one delivery."""
        ...

    async def events(self, where: LogFilter, cursor: str | None, limit: int) -> Page[Event]:
        """List events, newest first."""
        ...

    async def event(self, app_id: str, public_id: str) -> Event | None:
        """Read one event by the id that the world sees."""
        ...

    async def stats(self, app_id: str, endpoint_id: int, since: int, until: int, interval: int) -> Stats:
        """Sum up an endpoint's rollups; times and `interval` in ms, whole minutes."""
        ...


class Apps(Protocol):
    """The tenants. Every change carries its audit entry, and the answer to be kept where there is one: all of it is one
    commit. (So do the changes of everything below.)
    """

    def get(self, app_id: str) -> App | None: ...  # noqa: D102
    def all(self) -> Iterable[App]: ...  # noqa: D102
    def page(self, cursor: str | None, limit: int) -> Page[App]: ...  # noqa: D102
    def add(self, app: App, entry: AuditEntry, answer: SealedAnswer | None = None) -> Awaitable[None]: ...  # noqa: D102
    def change(self, app: App, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102
    def remove(self, app_id: str, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102


class Tokens(Protocol):
    """Access tokens, found by the SHA-256 of their text."""

    def by_hash(self, digest: bytes) -> Token | None: ...  # noqa: D102
    def get(self, app_id: str, token_id: int) -> Token | None: ...  # noqa: D102
    def page(self, app_id: str, cursor: str | None, limit: int) -> Page[Token]: ...  # noqa: D102
    def add(  # noqa: D102
        self, token: Token, entry: AuditEntry, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def remove(self, app_id: str, token_id: int, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102


class Endpoints(Protocol):
    """Endpoints, each a chain of immutable versions. `add` and `change` store the version that they are given; `remove`
    with a version removes that one only, Conflict when it is not the current one.
    """

    def get(self, app_id: str, endpoint_id: int) -> Endpoint | None: ...  # noqa: D102
    def page(self, app_id: str, cursor: str | None, limit: int) -> Page[Endpoint]: ...  # noqa: D102
    def all(self) -> Iterable[Endpoint]: ...  # noqa: D102
    def add(  # noqa: D102
        self, endpoint: Endpoint, entry: AuditEntry, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def change(  # noqa: D102
        self, endpoint: Endpoint, entry: AuditEntry, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def remove(  # noqa: D102
        self, app_id: str, endpoint_id: int, entry: AuditEntry, version: int | None = None
    ) -> Awaitable[None]: ...


class EventTypes(Protocol):
    """The apps' own event types; the built-in ones are data in the code."""

    def get(self, app_id: str, name: str) -> EventType | None: ...  # noqa: D102
    def of(self, app_id: str) -> Sequence[EventType]: ...  # noqa: D102
    def all(self) -> Iterable[EventType]: ...  # noqa: D102
    def put(  # noqa: D102
        self, event_type: EventType, entry: AuditEntry, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def remove(self, app_id: str, name: str, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102


class Tasks(Protocol):
    """Tasks and the deliveries that they move; a step and its cursor are one transaction."""

    async def get(self, app_id: str, task_id: int) -> Task | None: ...  # noqa: D102
    async def page(self, app_id: str, cursor: str | None, limit: int) -> Page[Task]: ...  # noqa: D102
    async def unfinished(self) -> Sequence[Task]: ...  # noqa: D102
    def add(  # noqa: D102
        self, task: Task, entry: AuditEntry | None, answer: SealedAnswer | None = None
    ) -> Awaitable[None]: ...
    def change(self, task: Task, entry: AuditEntry | None) -> Awaitable[None]: ...  # noqa: D102
    async def count(self, app_id: str, selection: Selection) -> int:
        """Count the deliveries that a selection names."""
        ...

    def step(self, task: Task, limit: int, due_at: int) -> Awaitable[tuple[Task, Sequence[int]]]:
        """Move up to `limit` deliveries on from the cursor; return the task as it is now (`done` when no more are
        left) and the endpoints that have work.
        """
        ...


class AuditLog(Protocol):
    """Who changed what."""

    async def page(self, app_id: str, cursor: str | None, limit: int) -> Page[AuditEntry]: ...  # noqa: D102
    def add(self, entry: AuditEntry) -> Awaitable[None]: ...  # noqa: D102


class Answers(Protocol):
    """Answers to POSTs that carried an `Idempotency-Key`, sealed, because they may show a secret once."""

    async def recall(self, app_id: str, kind: str, key: str) -> StoredKey | None: ...  # noqa: D102
    def seal(self, app_id: str, key: Key) -> SealedAnswer:
        """Make an answer ready to be committed together with what it tells of. Where one is kept already, the commit
        is refused with Conflict: somebody else has done what was asked for.
        """
        ...

    def keep(self, app_id: str, key: Key) -> Awaitable[None]:
        """Keep an answer that tells of no change; where one is kept already it stays."""
        ...


class Notices(Protocol):
    """What owners of endpoints were told, so that a new start does not tell it again."""

    def told(self, failing: Mapping[int, int]) -> Awaitable[None]:
        """Note for endpoints when (ms) their owners were told that they fail."""
        ...


class Upkeep(Protocol):
    """What the store wants done in the background, in steps small enough not to stall deliveries."""

    def index(self, limit: int) -> Awaitable[int]:
        """Bring indexes that are filled in arrears up to date; return how many rows were done."""
        ...

    def prune(self, before: int, limit: int) -> Awaitable[int]:
        """Delete up to `limit` rows that are older than `before` (ms); return how many."""
        ...

    def expire(self, before: int, limit: int, now: int) -> Awaitable[int]:
        """Cancel up to `limit` open deliveries made before `before`, or whose endpoint is gone; return how many."""
        ...

    def backlog(self) -> tuple[int, int | None]:
        """Return how many deliveries wait and when the oldest was due (ms), from counters, never a scan."""
        ...

    def healthy(self) -> str | None:
        """Return why the store cannot take writes; None when it can."""
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


class AccessToken(msgspec.Struct, frozen=True, gc=False):
    """An access token; `kept`: from an earlier attempt, so that it may have been revoked since."""

    text: str
    kept: bool


class FreshLinks(msgspec.Struct, frozen=True):
    """Links of one asset that work now; `expires_at` (ms) is until when, None where nobody says."""

    url: str | None
    thumbnail_url: str | None
    expires_at: int | None


class Links(Protocol):
    """Fetches fresh links of an asset from its app."""

    async def refresh(
        self, app_id: str, where: LinkRefresh, asset_id: str | int | None, ids: Mapping[str, Any]
    ) -> FreshLinks:
        """Return links that still work for five minutes or, if the app has no better, a little less. An asset that has
        no id of its own is known by its `ids`. Raises PrepareFailed.
        """
        ...


class Credentials(Protocol):
    """Fetches what an endpoint's authentication needs."""

    async def bearer(self, endpoint: Endpoint) -> AccessToken:
        """Return the access token of an endpoint with OAuth2. Raises PrepareFailed."""
        ...

    async def renew(self, endpoint: Endpoint, refused: str) -> AccessToken | None:
        """Return another token than the kept one that a receiver has just refused; None when there is none, or none may
        be asked for again so soon. Raises PrepareFailed.
        """
        ...
