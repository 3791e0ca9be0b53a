"""A page of a list, newest first."""

from typing import Generic, TypeVar

import msgspec

Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Some items and where to go on; a page may be short and still have a `next`. The cursor is opaque to clients."""

    items: tuple[Item, ...]
    next: str | None = None


class LogFilter(msgspec.Struct, frozen=True):
    """What narrows a list of attempts, deliveries or events. Times are ms since 1970; None means any.

    `event` is an event's public id. `text` is free text that is resolved to ids, never scanned for.
    """

    app_id: str
    endpoint_id: int | None = None
    event: str | None = None
    event_type: str | None = None
    status: str | None = None
    status_code: int | None = None
    state: str | None = None
    since: int | None = None
    until: int | None = None
    text: str | None = None


class StatsPoint(msgspec.Struct, frozen=True):
    """One step of a time series; `at` is the start of the interval (ms)."""

    at: int
    delivered: int
    failed: int


class Stats(msgspec.Struct, frozen=True):
    """How an endpoint fared in a span of time. Latencies are ms of whole attempts, None without any attempt."""

    delivered: int
    failed: int
    pending: int
    p50: float | None
    p95: float | None
    p99: float | None
    series: tuple[StatsPoint, ...]
