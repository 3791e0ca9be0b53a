"""Figures of an endpoint, from rollups: no statement here looks at a delivery."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import msgspec

from reelhook.errors import Invalid, NotFound
from reelhook.model.latency import percentile
from reelhook.model.page import Stats, StatsPoint
from reelhook.store.reading import Reading
from reelhook.store.recording import DELIVERED, FAILED, LATENCY
from reelhook.store.select import select, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

_SQL: Final = statements("stats")
_MINUTE_MS: Final = 60_000
_DAY: Final = 24 * 60
_MOST_POINTS: Final = 10_000
_MOST_PENDING: Final = 1_000_000
"""So many waiting deliveries are counted; a longer backlog is told as this number."""


class Span(msgspec.Struct, frozen=True):
    """Which endpoint, from when until when, in which steps; ms, whole minutes."""

    endpoint_id: int
    since: int
    until: int
    interval: int

    @property
    def minutes(self) -> range:
        """The minutes of the span."""
        return range(self.since // _MINUTE_MS, -(-self.until // _MINUTE_MS))

    @property
    def step(self) -> int:
        """The interval in minutes."""
        return max(1, self.interval // _MINUTE_MS)


async def read_stats(reading: Reading, app_id: str, span: Span) -> Stats:
    """Sum up a span, a day of rollups at a time.

    Raises:
        NotFound: the app has no such endpoint.
        Invalid: the span has too many steps.
    """
    if len(span.minutes) > _MOST_POINTS * span.step:
        raise Invalid(f"the series would have more than {_MOST_POINTS} points; choose a longer interval")
    pending = await reading.run(partial(_pending, app_id=app_id, endpoint_id=span.endpoint_id))
    totals: Counter[int] = Counter()
    series: Counter[tuple[int, int]] = Counter()
    for first, end in _days(span.minutes):
        await reading.run(partial(_add, span=span, first=first, end=end, totals=totals, series=series))
    return _stats(span, pending, totals, series)


def _days(minutes: range) -> Iterator[tuple[int, int]]:
    for first in range(minutes.start, minutes.stop, _DAY):
        yield first, min(first + _DAY, minutes.stop)


def _pending(connection: Connection, app_id: str, endpoint_id: int) -> int:
    key = {"endpoint_id": endpoint_id, "app_id": app_id, "limit": _MOST_PENDING}
    if not select_value(connection, _SQL["belongs"], key):
        raise NotFound("there is no such endpoint")
    return int(select_value(connection, _SQL["pending"], key))


def _add(  # noqa: PLR0913 - bound by name
    connection: Connection,
    *,
    span: Span,
    first: int,
    end: int,
    totals: Counter[int],
    series: Counter[tuple[int, int]],
) -> None:
    bounds: dict[str, Any] = {"endpoint_id": span.endpoint_id, "first": first, "end": end}
    for measure, count in select(connection, _SQL["totals"], bounds):
        totals[measure] += count
    steps = {**bounds, "start": span.minutes.start, "step": span.step}
    for place, measure, count in select(connection, _SQL["series"], steps):
        series[place, measure] += count


def _stats(span: Span, pending: int, totals: Counter[int], series: Counter[tuple[int, int]]) -> Stats:
    latencies = {measure - LATENCY: count for measure, count in totals.items() if measure >= LATENCY}
    points = range(-(-len(span.minutes) // span.step))
    return Stats(
        delivered=totals[DELIVERED],
        failed=totals[FAILED],
        pending=pending,
        p50=percentile(latencies, 0.50),
        p95=percentile(latencies, 0.95),
        p99=percentile(latencies, 0.99),
        series=tuple(
            StatsPoint(
                at=(span.minutes.start + place * span.step) * _MINUTE_MS,
                delivered=series[place, DELIVERED],
                failed=series[place, FAILED],
            )
            for place in points
        ),
    )
