"""An endpoint as the world sees it: every field, the dialect's defaults filled in, secrets masked."""

from typing import Any, Final

import msgspec

from reelhook.api.lists import Time
from reelhook.dialects.signing_keys import verifying_key
from reelhook.dialects.table import dialect_named
from reelhook.model import ids
from reelhook.model.endpoint import (
    Auth,
    ChangeCondition,
    DisabledReason,
    Endpoint,
    EndpointState,
    Ordering,
    RateLimit,
    Retry,
)
from reelhook.model.instant import show_time
from reelhook.model.secret import MASK
from reelhook.pipeline.sign import masked


class ConditionsShown(msgspec.Struct):
    """What must hold of an event beyond its type."""

    changes: tuple[ChangeCondition, ...] = ()
    expression: str | None = None


class PayloadShown(msgspec.Struct):
    """Which fields and groups of fields the body carries."""

    fields: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class EndpointDocument(msgspec.Struct, kw_only=True):
    """An endpoint. `compat_id` is what the API of its dialect's system calls it; `retry` and `timeout` (s) are its own
    or its dialect's; `secret` is shown once, when it is made.
    """

    id: str
    name: str
    dialect: str
    compat_id: str | None
    url: str
    hostname: str | None
    path: str | None
    events: tuple[str, ...]
    conditions: ConditionsShown
    payload: PayloadShown
    headers: dict[str, str]
    auth: Auth
    secret: str | None
    public_key: str | None
    retry: Retry
    timeout: float
    rate_limit: RateLimit | None
    concurrency: int | None
    ordering: Ordering
    state: EndpointState
    disabled_reason: DisabledReason | None
    circuit: str
    notify_emails: tuple[str, ...]
    options: dict[str, Any]
    metadata: dict[str, Any]
    created_at: Time
    updated_at: Time


READ_ONLY: Final[tuple[str, ...]] = (
    "id",
    "app_id",
    "version",
    "compat_id",
    "public_key",
    "circuit",
    "disabled_reason",
    "created_at",
    "updated_at",
)
"""Fields that only we set; a client that sends them back changes nothing by it."""


def show(endpoint: Endpoint, circuit: str, *, reveal: bool = False) -> EndpointDocument:
    """Write an endpoint; `reveal` shows its secret, for the one answer in which it is new."""
    dialect = dialect_named(endpoint.dialect)
    defaults = dialect.defaults
    return EndpointDocument(
        id=ids.show("ep", endpoint.id),
        name=endpoint.name,
        dialect=endpoint.dialect,
        compat_id=endpoint.compat_id or dialect.compat_id(endpoint.id),
        url=endpoint.url,
        hostname=endpoint.hostname,
        path=endpoint.path,
        events=endpoint.events,
        conditions=ConditionsShown(endpoint.conditions.changes, endpoint.conditions.expression),
        payload=PayloadShown(endpoint.payload.fields, endpoint.payload.groups),
        headers={name: masked(name, value) for name, value in endpoint.headers.items()},
        auth=endpoint.auth,
        secret=_secret(endpoint, reveal),
        public_key=None if endpoint.signing_key is None else verifying_key(endpoint.signing_key),
        retry=defaults.retry if endpoint.retry is None else endpoint.retry,
        timeout=defaults.timeout if endpoint.timeout is None else endpoint.timeout,
        rate_limit=endpoint.rate_limit,
        concurrency=endpoint.concurrency,
        ordering=endpoint.ordering,
        state=endpoint.state,
        disabled_reason=endpoint.disabled_reason,
        circuit=circuit,
        notify_emails=endpoint.notify_emails,
        options=endpoint.options,
        metadata=endpoint.metadata,
        created_at=show_time(endpoint.created_at),
        updated_at=show_time(endpoint.updated_at),
    )


def etag(endpoint: Endpoint) -> dict[str, str]:
    """Return the header that names this version."""
    return {"etag": f'"{endpoint.version}"'}


def _secret(endpoint: Endpoint, reveal: bool) -> str | None:
    if endpoint.secret is None:
        return None
    return endpoint.secret.reveal() if reveal else MASK
