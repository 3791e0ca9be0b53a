"""What accept writes: events with their deliveries and keys, and what it remembers of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from reelhook.model.event import Event

T_co = TypeVar("T_co", covariant=True)


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


class Committing(Awaitable[T_co], Protocol[T_co]):
    """Something that is being committed: what the loop's futures offer. The store calls back at once when it is done,
    without a turn of the loop for each.
    """

    def add_done_callback(self, call: Callable[[Any], object], /) -> None: ...  # noqa: D102
    def cancelled(self) -> bool: ...  # noqa: D102
    def exception(self) -> BaseException | None: ...  # noqa: D102
    def result(self) -> T_co: ...  # noqa: D102


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
