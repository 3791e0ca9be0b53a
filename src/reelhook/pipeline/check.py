"""Check: everything that can be wrong with an endpoint, said when it is saved and not when it is needed."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from reelhook.dialects.dialect import Dialect
from reelhook.errors import FieldError
from reelhook.model.address import refuse_literal
from reelhook.model.endpoint import (
    BasicAuth,
    BearerAuth,
    Endpoint,
    ExponentialRetry,
    FixedRetry,
    OAuth2Auth,
    Retry,
    ScheduleRetry,
)
from reelhook.model.pointer import pointer
from reelhook.model.url import parse_target
from reelhook.pipeline.check_auth import Networks, check_auth
from reelhook.pipeline.check_headers import check_headers
from reelhook.pipeline.match import check_conditions

MOST_RETRIES: Final = 30
LONGEST_DELAY: Final = 7 * 24 * 3600
TIMEOUTS: Final = (0.1, 120)
CONCURRENCIES: Final = (1, 1000)
RATE_COUNTS: Final = (1, 1_000_000)
RATE_PERIODS: Final = (0.001, 24 * 3600)
MOST_EVENTS: Final = 500
LONGEST_LABEL: Final = 200
MOST_EMAILS: Final = 20
LARGEST_EXTRAS: Final = 16 * 1024
"""Bytes of JSON that `metadata` and `options` may take, each."""

_EMAIL: Final = re.compile(r"[^@\s\x00-\x20\x7f,;<>\"()\[\]\\:]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\Z")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def check_endpoint(endpoint: Endpoint, dialect: Dialect, exceptions: Networks) -> list[FieldError]:
    """Say all that is wrong with an endpoint; pointers start at the endpoint. `exceptions` are the private networks
    that the operator allows.
    """
    return [
        *_check_url(endpoint, exceptions),
        *_check_label(endpoint.name),
        *_check_events(endpoint.events, dialect),
        *_check_conditions(endpoint, dialect),
        *check_headers(endpoint.headers, dialect.defaults.headers_per_endpoint),
        *check_auth(endpoint.auth, exceptions),
        *_check_one_authorization(endpoint),
        *(check_retry(endpoint.retry) if endpoint.retry is not None else ()),
        *_check_pace(endpoint),
        *check_emails(endpoint.notify_emails),
        *check_extras(endpoint.metadata, "metadata"),
        *check_extras(endpoint.options, "options"),
        *dialect.check(endpoint),
    ]


def check_retry(retry: Retry) -> list[FieldError]:
    """Check that a policy ends: at most 30 more attempts, none more than seven days after the one before."""
    match retry:
        case ScheduleRetry(delays=delays):
            errors = _within(len(delays), (0, MOST_RETRIES), "the number of delays", "/retry/delays")
            for place, delay in enumerate(delays):
                errors += _within(delay, (0, LONGEST_DELAY), "a delay (s)", pointer("retry", "delays", place))
            return errors
        case FixedRetry(retries=retries, delay=delay):
            return [*_check_retries(retries), *_within(delay, (0, LONGEST_DELAY), "delay (s)", "/retry/delay")]
        case ExponentialRetry(retries=retries, base=base, maximum=maximum):
            return [
                *_check_retries(retries),
                *_within(base, (0, LONGEST_DELAY), "base (s)", "/retry/base"),
                *_within(maximum, (base, LONGEST_DELAY), "maximum (s)", "/retry/maximum"),
            ]


def check_emails(emails: Sequence[str]) -> list[FieldError]:
    """Check addresses for notices; whether they exist only a letter can tell."""
    errors = []
    if len(emails) > MOST_EMAILS:
        errors.append(FieldError(f"at most {MOST_EMAILS} addresses", "/notify_emails"))
    errors += [
        FieldError(f"{email[:60]!r} is not an e-mail address", pointer("notify_emails", place))
        for place, email in enumerate(emails)
        if len(email) > 254 or not email.isascii() or not _EMAIL.match(email)
    ]
    return errors


def check_extras(values: dict[str, Any], field: str) -> list[FieldError]:
    """Check the size of a free-form object (`metadata`, `options`)."""
    size = len(msgspec.json.encode(values))
    return [] if size <= LARGEST_EXTRAS else [FieldError(f"at most {LARGEST_EXTRAS} bytes of JSON", pointer(field))]


def _check_url(endpoint: Endpoint, exceptions: Networks) -> Iterator[FieldError]:
    field = "/url" if endpoint.hostname is None else "/hostname"
    try:
        target = parse_target(endpoint.url)
    except ValueError as error:
        yield FieldError(str(error), field)
        return
    refused = refuse_literal(target, exceptions)
    if refused is not None:
        yield FieldError(refused, field)


def _check_label(name: str) -> Iterator[FieldError]:
    if len(name) > LONGEST_LABEL or _CONTROL.search(name):
        yield FieldError(f"a name is at most {LONGEST_LABEL} characters on one line", "/name")


def _check_events(events: Sequence[str], dialect: Dialect) -> list[FieldError]:
    errors = dialect.check_events(events)
    if len(events) > MOST_EVENTS:
        errors.append(FieldError(f"at most {MOST_EVENTS} entries; wildcards and categories name many", "/events"))
    return errors


def _check_conditions(endpoint: Endpoint, dialect: Dialect) -> list[FieldError]:
    errors = check_conditions(endpoint.conditions)
    for place, entry in enumerate(endpoint.conditions.changes):
        wrong = dialect.check_events([entry.event]) if entry.event is not None else []
        errors += [FieldError(error.detail, pointer("conditions", "changes", place, "event")) for error in wrong]
    return errors


def _check_one_authorization(endpoint: Endpoint) -> Iterator[FieldError]:
    if isinstance(endpoint.auth, BasicAuth | BearerAuth | OAuth2Auth):
        for name in endpoint.headers:
            if name.lower() == "authorization":
                yield FieldError("auth sets this header already; leave out one of the two", pointer("headers", name))


def _check_pace(endpoint: Endpoint) -> Iterator[FieldError]:
    if endpoint.timeout is not None:
        yield from _within(endpoint.timeout, TIMEOUTS, "timeout (s)", "/timeout")
    if endpoint.concurrency is not None:
        yield from _within(endpoint.concurrency, CONCURRENCIES, "concurrency", "/concurrency")
    if endpoint.rate_limit is not None:
        yield from _within(endpoint.rate_limit.count, RATE_COUNTS, "count", "/rate_limit/count")
        yield from _within(endpoint.rate_limit.per, RATE_PERIODS, "per (s)", "/rate_limit/per")


def _check_retries(retries: int) -> list[FieldError]:
    return _within(retries, (0, MOST_RETRIES), "retries", "/retry/retries")


def _within(value: float, bounds: tuple[float, float], what: str, where: str) -> list[FieldError]:
    low, high = bounds
    if low <= value <= high:  # false for what is no number, too
        return []
    return [FieldError(f"{what} is {low:g} to {high:.10g}, not {value:g}", where)]
