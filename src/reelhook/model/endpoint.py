"""An endpoint: where, what, when, in which shape, with which credentials and how patiently.

Endpoints are immutable versions: a change makes a new one, and every attempt says which it used.
"""

from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

from reelhook.model.secret import Secret


class EndpointState(StrEnum):
    """Whether it is sent to. Deliveries of a paused or disabled endpoint stay pending, held."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why an endpoint is disabled."""

    GONE = "gone"
    NON_TRANSIENT = "non_transient_error"
    FAILURE_RATE = "failure_rate"
    CONSECUTIVE = "consecutive_failures"
    MANUAL = "manual"


class Ordering(StrEnum):
    """Which deliveries wait for the one before: none, those of one asset (or ordering key), or all."""

    NONE = "none"
    ASSET = "asset"
    ENDPOINT = "endpoint"


class NoAuth(msgspec.Struct, frozen=True, tag="none", tag_field="type", forbid_unknown_fields=True):
    """No credentials."""


class BasicAuth(msgspec.Struct, frozen=True, tag="basic", tag_field="type", forbid_unknown_fields=True):
    """HTTP Basic (RFC 7617)."""

    username: str
    password: Secret


class BearerAuth(msgspec.Struct, frozen=True, tag="bearer", tag_field="type", forbid_unknown_fields=True):
    """One static token (RFC 6750)."""

    token: Secret


class OAuth2Auth(msgspec.Struct, frozen=True, tag="oauth2", tag_field="type", forbid_unknown_fields=True):
    """A token fetched from `token_url` (RFC 6749 §4.3 and §4.4), kept until it expires, fetched anew on a 401."""

    grant: Literal["password", "client_credentials"]
    token_url: str
    username: str | None = None
    password: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    scope: str | None = None


class MutualTlsAuth(msgspec.Struct, frozen=True, tag="mtls", tag_field="type", forbid_unknown_fields=True):
    """A client certificate and its key, both PEM."""

    certificate: str
    private_key: Secret


Auth = NoAuth | BasicAuth | BearerAuth | OAuth2Auth | MutualTlsAuth


class ScheduleRetry(msgspec.Struct, frozen=True, tag="schedule", tag_field="kind", forbid_unknown_fields=True):
    """Waits (s) before attempts 2, 3, …, each from the end of the one before."""

    delays: tuple[float, ...]


class FixedRetry(msgspec.Struct, frozen=True, tag="fixed", tag_field="kind", forbid_unknown_fields=True):
    """`retries` more attempts, `delay` seconds apart."""

    retries: int
    delay: float


class ExponentialRetry(msgspec.Struct, frozen=True, tag="exponential", tag_field="kind", forbid_unknown_fields=True):
    """`retries` more attempts; the wait (s) starts at `base`, doubles, and stops growing at `maximum`."""

    retries: int
    base: float
    maximum: float


Retry = ScheduleRetry | FixedRetry | ExponentialRetry


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `count` attempts in `per` seconds."""

    count: int
    per: float


class ChangeCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One alternative of `conditions.changes`; what is left out means any. `from` and `to` may be any JSON value."""

    event: str | None = None
    field: str | None = None
    from_: Any = msgspec.field(name="from", default=msgspec.UNSET)
    to: Any = msgspec.UNSET


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What must hold of an event beyond its type: one of `changes`, and the CEL `expression`."""

    changes: tuple[ChangeCondition, ...] = ()
    expression: str | None = None


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which fields and groups of fields the body carries; nothing chosen = everything but embedded metadata."""

    fields: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class RetiredSecret(msgspec.Struct, frozen=True):
    """A secret that was rotated out; deliveries are signed with it too until `expires_at` (ms)."""

    secret: Secret
    expires_at: int


class Disabling(msgspec.Struct, frozen=True):
    """The figures with which an endpoint was disabled by itself, counted over the window of its dialect's rule.

    The names are those under which Vimeo reports them. The rate is a share of 1, the time is ms since 1970, the period
    is seconds.
    """

    failure_rate_before_disabling: float
    requests_executed_before_disabling: int
    requests_failed_before_disabling: int
    last_request_time_before_disabling: int
    time_period_failure_rate: float


class Endpoint(msgspec.Struct, frozen=True):
    """One version of an endpoint, complete. Times are milliseconds since 1970, `timeout` is seconds.

    `signing_key` is the seed of an Ed25519 key (`whsk_` + base64), present when `options.ed25519` is true.
    `None` in `retry` and `timeout` means the default of the dialect. `enabled_at` and `disabled_at` are when it last
    became active and disabled, None when it never did; `disabling` is about the latter, where it was counted.
    """

    id: int
    app_id: str
    version: int
    url: str
    created_at: int
    updated_at: int
    name: str = ""
    dialect: str = "standard"
    hostname: str | None = None
    path: str | None = None
    events: tuple[str, ...] = ()
    conditions: Conditions = Conditions()
    payload: Payload = Payload()
    headers: dict[str, str] = {}
    auth: Auth = NoAuth()
    secret: Secret | None = None
    retired_secrets: tuple[RetiredSecret, ...] = ()
    signing_key: Secret | None = None
    retry: Retry | None = None
    timeout: float | None = None
    rate_limit: RateLimit | None = None
    concurrency: int | None = None
    ordering: Ordering = Ordering.NONE
    state: EndpointState = EndpointState.ACTIVE
    disabled_reason: DisabledReason | None = None
    notify_emails: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    compat_id: str | None = None
    enabled_at: int | None = None
    disabled_at: int | None = None
    disabling: Disabling | None = None


SUBSCRIBE_CATEGORY: Final = "category:"
"""`events` entries that begin with this subscribe to every type of a category."""
