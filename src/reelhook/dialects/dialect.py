"""What a dialect is: how one system spells events, payloads, signatures and retries; each a room of its own."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from reelhook.errors import FieldError
from reelhook.model.access import App
from reelhook.model.endpoint import Endpoint, RateLimit, Retry, ScheduleRetry
from reelhook.model.event import Event
from reelhook.model.quota import Quota
from reelhook.model.secret import Secret


class Body(msgspec.Struct, frozen=True, gc=False):
    """A shaped body. When it is `prefix + event.data + suffix`, `frame` says so and the log need not store it again;
    `shown` is what the log stores instead where the data hold a secret.
    """

    data: bytes
    frame: tuple[bytes, bytes] | None = None
    shown: bytes | None = None


class Context(msgspec.Struct, frozen=True, gc=False):
    """What prepare learned of the world for one attempt.

    `first_context` is the context that the asset was first seen with; `quota` is how the app stands, where the dialect
    has one.
    """

    first_context: str | None = None
    quota: Quota | None = None


NO_CONTEXT: Final = Context()
"""For attempts that need nothing of the world, which is nearly all."""


class Carried(NamedTuple):
    """Which links of its asset a body holds: the URL, and how many of its thumbnails, the first ones; None for all."""

    url: bool = False
    thumbnails: int | None = 0


NO_LINKS: Final = Carried()
ALL_LINKS: Final = Carried(url=True, thumbnails=None)


class Message(NamedTuple):
    """Which attempt is signed: the event's public id, the wall time (ms) of this attempt, and its context."""

    id: str
    now: int
    context: Context = NO_CONTEXT

    @property
    def timestamp(self) -> int:
        """Unix seconds of this attempt."""
        return self.now // 1000


class DisableRule(msgspec.Struct, frozen=True):
    """When an endpoint of this dialect is disabled by itself.

    `gone`: on a 410. `non_transient`: on any non-transient error. `failing_for`: every attempt failed for so many
    seconds. `failure_rate` of at least `of_attempts` attempts within `within` seconds.
    """

    gone: bool = True
    non_transient: bool = False
    failing_for: float | None = None
    failure_rate: float | None = None
    of_attempts: int = 20
    within: float = 3600


class Defaults(msgspec.Struct, frozen=True):
    """What an endpoint of the dialect does unless it says otherwise, and what its system lays down for all.

    `jitter` is the largest share added to a wait. `tested_before_saving`: a test must pass before an endpoint, or
    another address or other credentials of one, are saved. `link_life` (s) is how long the links in an event last
    that does not say so itself. `remembers_context`: bodies carry the first context of their asset.
    """

    retry: Retry
    timeout: float = 15.0
    jitter: float = 0.1
    retries_non_transient: bool = True
    disable: DisableRule = DisableRule()
    endpoints_per_app: int | None = None
    headers_per_endpoint: int | None = None
    tested_before_saving: bool = False
    link_life: float | None = None
    remembers_context: bool = False


PATIENT: Final = Defaults(
    retry=ScheduleRetry((5, 300, 1800, 7200, 18000, 36000, 36000)), disable=DisableRule(failing_for=5 * 86400)
)
"""Eight attempts within 28 hours; disabled when gone, or when nothing went through for five days."""


class SigningKeys(Protocol):
    """The keys of one endpoint version, made ready once. Its `repr` shows no secret."""

    def hmac_sha256(self, content: Sequence[bytes], now: int) -> list[bytes]:
        """Return the digests of `content` (parts, taken as one text) under each key that counts at `now` (wall time,
        ms): the current secret first, retired ones after it; empty without a secret.
        """
        ...

    def ed25519(self, content: Sequence[bytes]) -> bytes | None:
        """Return the 64-byte signature, where the endpoint has such a key."""
        ...


class Dialect(Protocol):
    """One system's way of speaking; its own tables say which canonical event is what in its words."""

    @property
    def name(self) -> str:
        """What `endpoint.dialect` says."""
        ...

    @property
    def defaults(self) -> Defaults:
        """What endpoints do unless they say otherwise."""
        ...

    def name_of(self, event_type: str, endpoint: Endpoint | None = None) -> str | None:
        """Return how the dialect calls a canonical event; None when it cannot express it."""
        ...

    def subscribes(self, entry: str, event_type: str, category: str) -> bool:
        """Tell whether one entry of an endpoint's `events` names this event."""
        ...

    def check_events(self, events: Sequence[str]) -> list[FieldError]:
        """Say which entries the dialect does not know; pointers are relative to `/events`."""
        ...

    def check(self, endpoint: Endpoint) -> list[FieldError]:
        """Say what else of an endpoint the dialect does not allow (options, payload, secret, limits)."""
        ...

    @property
    def shared(self) -> frozenset[str]:
        """The canonical types that bear their name here together with others: one change may come as several."""
        ...

    def rank(self, event_type: str) -> int:
        """Return the place of a type among those that bear one name here, 0 for the one that is preferred: where one
        change was posted as several events, an endpoint gets the first of them alone.
        """
        ...

    def repeats(self, one: str, other: str) -> bool:
        """Tell whether two types that bear one name here may be one change, posted as two events."""
        ...

    def objection(self, event: Event, endpoint: Endpoint, first_context: str | None) -> str | None:
        """Say why this event is not for the endpoint although its type is; None where it is. A context can only take an
        objection away.
        """
        ...

    def quota(self, app: App) -> RateLimit | None:
        """Return how much all endpoints of this dialect in an app may get together; None without a limit."""
        ...

    def compat_id(self, endpoint_id: int) -> str | None:
        """Return what the system's own management API calls the endpoint; None where it has none."""
        ...

    def links_in(self, event_type: str, endpoint: Endpoint) -> Carried:
        """Return which links a body of this type holds, so that these, and no others, must work when it is sent."""
        ...

    def shape(self, event: Event, endpoint: Endpoint, context: Context) -> Body:
        """Make the body; `context` is what prepare learned."""
        ...

    def content_type(self) -> str:
        """Return the body's media type."""
        ...

    def sign(self, body: bytes, message: Message, keys: SigningKeys, endpoint: Endpoint) -> list[tuple[str, str]]:
        """Return the headers that identify and sign the body."""
        ...

    def key(self, secret: Secret) -> bytes:
        """Return the HMAC key that a stored secret stands for."""
        ...

    def new_secret(self, random_bytes: bytes) -> str | None:
        """Make a secret for an endpoint that brought none; None where the system does without."""
        ...
