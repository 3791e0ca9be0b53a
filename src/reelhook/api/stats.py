"""How an endpoint fares, from rollups."""

from typing import Annotated

import msgspec
from msgspec import Meta

from reelhook.api.endpoints import this
from reelhook.api.exchange import Call
from reelhook.api.filters import Since, Until
from reelhook.api.lists import Time
from reelhook.api.reading import invalid, read_moment
from reelhook.model.instant import show_time

DAY_MS = 86_400_000
HOUR = 3600


class StatsQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which span: the last day unless said otherwise; `interval` is the step of the series in seconds."""

    since: Since = None
    until: Until = None
    interval: Annotated[int, Meta(ge=60, le=86_400 * 366, multiple_of=60)] = HOUR


class LatencyDocument(msgspec.Struct):
    """Durations of whole attempts in ms; null without any."""

    p50: float | None
    p95: float | None
    p99: float | None


class PointDocument(msgspec.Struct):
    """One step of the series; `at` is where it begins."""

    at: Time
    delivered: int
    failed: int


class StatsDocument(msgspec.Struct):
    """The figures; `success_rate` is delivered of delivered and failed, null without any."""

    delivered: int
    failed: int
    pending: int
    success_rate: float | None
    latency_ms: LatencyDocument
    series: tuple[PointDocument, ...]


async def read(call: Call, query: StatsQuery) -> StatsDocument:
    """Read the figures of one endpoint."""
    endpoint = this(call)
    since, until = _span(query, call.services.clock.wall())
    stats = await call.services.log.stats(call.app_id, endpoint.id, since, until, query.interval * 1000)
    ended = stats.delivered + stats.failed
    return StatsDocument(
        stats.delivered,
        stats.failed,
        stats.pending,
        stats.delivered / ended if ended else None,
        LatencyDocument(stats.p50, stats.p95, stats.p99),
        tuple(PointDocument(show_time(point.at), point.delivered, point.failed) for point in stats.series),
    )


def _span(query: StatsQuery, now: int) -> tuple[int, int]:
    """Return since and until; from a time to come until now is a span in which nothing happened yet."""
    since, until = read_moment(query.since, "since"), read_moment(query.until, "until")
    if until is None:
        until = now if since is None else max(now, since)
    if since is None:
        since = max(0, until - DAY_MS)
    if since > until:
        raise invalid("since lies behind until", "/since")
    return since, until
