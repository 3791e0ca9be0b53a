"""What a dialect is: how one system spells events, payloads, signatures and retries. Each is a room of its own, pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from reelhook.errors import FieldError
from reelhook.model.endpoint import Endpoint, Retry
from reelhook.model.event import Event


class Body(msgspec.Struct, frozen=True, gc=False):
    """A shaped body. When it is `prefix + event.data + suffix`, `frame` says so and the log need not store it again."""

    data: bytes
    frame: tuple[bytes, bytes] | None = None


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
    """What an endpoint of the dialect does unless it says otherwise. `jitter` is the largest share added to a wait."""

    retry: Retry
    timeout: float = 15.0
    jitter: float = 0.1
    retries_non_transient: bool = True
    disable: DisableRule = DisableRule()
    endpoints_per_app: int | None = None
    headers_per_endpoint: int | None = None


class SigningKeys(Protocol):
    """The keys of one endpoint version, made ready once. Its `repr` shows no secret."""

    def hmac_sha256(self, now: int) -> Sequence[Any]:
        """Return keyed hash objects to copy, current secret first, retired ones that still count after it."""
        ...

    def ed25519(self) -> Any | None:
        """Return the private key for `v1a`, where the endpoint has one."""
        ...


class Dialect(Protocol):
    """One system's way of speaking; its own tables say which canonical event is what in its words."""

    name: str
    defaults: Defaults

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

    def shape(self, event: Event, endpoint: Endpoint, context: Mapping[str, Any]) -> Body:
        """Make the body; `context` is what prepare fetched (fresh links, a stored context)."""
        ...

    def content_type(self) -> str:
        """Return the body's media type."""
        ...

    def sign(self, body: bytes, message_id: str, timestamp: int, keys: SigningKeys, now: int) -> list[tuple[str, str]]:
        """Return the headers that identify and sign the body; `timestamp` is Unix seconds of this attempt."""
        ...

    def new_secret(self, random_bytes: bytes) -> str | None:
        """Make a secret for an endpoint that brought none; None where the system does without."""
        ...


Success = Literal["2xx"]
"""Every dialect counts 200 to 299 as success."""
