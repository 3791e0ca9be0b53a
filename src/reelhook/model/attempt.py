"""An attempt: one HTTP try, recorded once, never changed."""

from enum import StrEnum
from typing import Final

import msgspec

from reelhook.model.delivery import Trigger


class Failure(StrEnum):
    """Why an attempt failed, in plain words; the value is the API's `error_class`."""

    BLOCKED = "blocked_address"
    DNS_TEMPORARY = "dns_failure"
    DNS_UNKNOWN = "name_not_found"
    REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls_error"
    CERTIFICATE = "certificate_error"
    RESET = "connection_reset"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol_error"
    STATUS = "http_status"
    REDIRECT = "redirect"
    GONE = "gone"
    THROTTLED = "throttled"
    PREPARE = "prepare_failed"
    INTERRUPTED = "interrupted"


TRANSIENT: Final = frozenset(
    {
        Failure.DNS_TEMPORARY,
        Failure.REFUSED,
        Failure.UNREACHABLE,
        Failure.CONNECT_TIMEOUT,
        Failure.RESET,
        Failure.TIMEOUT,
        Failure.THROTTLED,
        Failure.INTERRUPTED,
    }
)
"""Failures that may pass. `STATUS` is transient for 408, 429 and 5xx: see `is_transient`. `PREPARE` says it itself."""


def is_transient(failure: Failure, status_code: int | None) -> bool:
    """Tell whether a failure may pass by itself (VIDIZMO's word): time-outs, refusals, DNS trouble, 408, 429, 5xx."""
    if failure is Failure.STATUS:
        return status_code is not None and (status_code in (408, 429) or status_code >= 500)
    return failure in TRANSIENT


class PrepareFailed(Exception):
    """What an attempt needs could not be fetched (an access token, a fresh link), so it failed before it was sent.

    `detail` is a sentence for people without any secret; `transient` says whether it may pass by itself.
    """

    def __init__(self, detail: str, *, transient: bool, failure: Failure = Failure.PREPARE) -> None:
        super().__init__(detail)
        self.detail = detail
        self.transient = transient
        self.failure = failure


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What came of an attempt. `error` is a sentence for people, None on success; `transient`: it may pass."""

    succeeded: bool
    failure: Failure | None = None
    error: str | None = None
    transient: bool = False


class Timing(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Where an attempt's time went, in milliseconds; None for a step that did not happen (a reused connection)."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float = 0.0


class Attempt(msgspec.Struct, frozen=True):
    """An attempt as a list of the log shows it. `at` is milliseconds since 1970; `number` counts from 1."""

    id: int
    app_id: str
    delivery_id: int | None
    event_id: int | None
    event_public_id: str | None
    event_type: str
    event_name: str
    endpoint_id: int
    endpoint_name: str
    url: str
    number: int
    at: int
    succeeded: bool
    status_code: int | None
    failure: Failure | None
    error: str | None
    duration_ms: float
    trigger: Trigger


class AttemptDetail(msgspec.Struct, frozen=True):
    """What one page about one attempt shows beside its line in the list.

    Secrets in the request's headers are masked already; bodies are bytes as they went over the wire, the response's
    capped at 64 KiB (`truncated` says whether). `repeated_with_new_token`: before this request the same attempt made
    another, with the access token of earlier attempts, that was answered 401.
    """

    attempt: Attempt
    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    response_status: int | None
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes
    truncated: bool
    timing: Timing
    remote_address: str | None
    replayed_on_fresh_connection: bool = False
    repeated_with_new_token: bool = False
