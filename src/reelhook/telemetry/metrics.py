"""Metrics as plain numbers: counting is an addition, and only a scrape turns them into Prometheus families.

A metric never carries an app, an endpoint or an id as a label: the number of series does not grow with use.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from reelhook.telemetry.histogram import Histogram

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of `Metrics.render`."""

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
SIZES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)


class Family(NamedTuple):
    """How an attribute of `Metrics` appears to Prometheus. A family with labels is a Counter of values or tuples."""

    attribute: str
    name: str
    meaning: str
    labels: tuple[str, ...] = ()


COUNTERS: Final = (
    Family("events_accepted", "events_accepted", "Events accepted and committed"),
    Family("deliveries", "deliveries_closed", "Deliveries that reached an end", ("state",)),
    Family("attempts", "attempts", "Attempts recorded; a success has no error class", ("result", "error_class")),
    Family("claims", "claims", "Claims made on the queue"),
    Family("claimed", "deliveries_claimed", "Deliveries taken from the queue"),
    Family("handed_over", "deliveries_handed_over", "Deliveries given to the dispatcher without queueing"),
    Family("commits", "commits", "Transactions committed by the writer"),
    Family("hints_received", "hints_received", "Hints heard from other nodes"),
    Family("notices_dropped", "notices_dropped", "Operational events and mails given up"),
    Family("loop_failures", "loop_failures", "Turns of background work that failed", ("loop",)),
)
GAUGES: Final = (
    Family("in_flight", "attempts_in_flight", "Requests on the wire at this moment"),
    Family("waiting_hand_over", "hand_over_size", "Deliveries handed over that wait for their socket"),
    Family("backlog", "queue_deliveries", "Deliveries that wait in the queue"),
    Family("oldest_due_seconds", "queue_oldest_due_seconds", "For how long the first delivery in the queue is due"),
    Family("held_seconds", "held_seconds", "For how long the installation is on hold; 0 when it is not"),
    Family("endpoints", "endpoints", "Endpoints by state", ("state",)),
    Family("circuits", "endpoint_circuits", "Endpoints by state of their circuit breaker", ("circuit",)),
    Family("tasks", "tasks_unfinished", "Tasks that are queued or running"),
    Family("wal_bytes", "wal_bytes", "Size of the write-ahead log"),
    Family("nodes", "nodes", "Nodes on this database, as this one last saw them"),
    Family("shards", "shards_owned", "Shards, of 256, that this node sends for"),
    Family("lease_age_seconds", "lease_age_seconds", "How long ago this node renewed its lease"),
    Family("registries_age_seconds", "registries_age_seconds", "How old a change may be that is not known here yet"),
    Family("clock_drift_seconds", "clock_drift_seconds", "Wall time minus scheduling time"),
    Family("clock_alarm", "clock_alarm", "1 while the two clocks differ by more than is allowed"),
    Family("loops", "loop_alive", "1 while this background work runs", ("loop",)),
)
HISTOGRAMS: Final = (
    Family("attempt_seconds", "attempt_duration_seconds", "Duration of attempts, from name look-up to last byte"),
    Family("first_attempt_seconds", "first_attempt_delay_seconds", "From acceptance to the first attempt"),
    Family("commit_seconds", "commit_duration_seconds", "Duration of transactions"),
    Family("commit_operations", "commit_operations", "Operations that one transaction carries"),
)
_PREFIX: Final = "reelhook_"


class Metrics:
    """All metrics of one process: add to the numbers, set the gauges, `render` when somebody asks."""

    def __init__(self, version: str) -> None:
        self.events_accepted = 0
        self.deliveries: Counter[str] = Counter()
        self.attempts: Counter[tuple[str, str]] = Counter()
        self.claims = 0
        self.claimed = 0
        self.handed_over = 0
        self.commits = 0
        self.hints_received = 0
        self.notices_dropped = 0
        self.loop_failures: Counter[str] = Counter()
        self.in_flight = 0
        self.waiting_hand_over = 0
        self.backlog = 0
        self.oldest_due_seconds = 0.0
        self.held_seconds = 0.0
        self.endpoints: Mapping[str, int] = {}
        self.circuits: Mapping[str, int] = {}
        self.tasks = 0
        self.wal_bytes = 0
        self.nodes = 1
        self.shards = 0
        self.lease_age_seconds = 0.0
        self.registries_age_seconds = 0.0
        self.clock_drift_seconds = 0.0
        self.clock_alarm = 0
        self.loops: dict[str, int] = {}
        self.attempt_seconds = Histogram(SECONDS)
        self.first_attempt_seconds = Histogram(SECONDS)
        self.commit_seconds = Histogram(SECONDS)
        self.commit_operations = Histogram(SIZES)
        self._version = version
        self._refresh: list[Callable[[], None]] = []
        self._registry = _registry(self)

    def attempted(self, error_class: str | None, seconds: float) -> None:
        """Count an attempt; `error_class` is None for a success."""
        self.attempts["succeeded" if error_class is None else "failed", error_class or ""] += 1
        self.attempt_seconds.observe(seconds)

    def committed(self, operations: int, seconds: float) -> None:
        """Count a transaction."""
        self.commits += 1
        self.commit_operations.observe(operations)
        self.commit_seconds.observe(seconds)

    def before_render(self, refresh: Callable[[], None]) -> None:
        """Call this before every scrape: it sets gauges from numbers that are at hand, and never scans."""
        self._refresh.append(refresh)

    def render(self) -> bytes:
        """Write all metrics in the Prometheus text format."""
        for refresh in self._refresh:
            refresh()
        return generate_latest(self._registry)

    def families(self) -> Iterator[Metric]:
        """Give every metric as Prometheus family."""
        build = GaugeMetricFamily(_PREFIX + "build_info", "The version that runs", labels=("version",))
        build.add_metric((self._version,), 1)
        yield build
        for family in COUNTERS:
            yield _filled(CounterMetricFamily, family, getattr(self, family.attribute))
        for family in GAUGES:
            yield _filled(GaugeMetricFamily, family, getattr(self, family.attribute))
        for family in HISTOGRAMS:
            histogram: Histogram = getattr(self, family.attribute)
            yield HistogramMetricFamily(
                _PREFIX + family.name, family.meaning, buckets=histogram.buckets(), sum_value=histogram.total
            )


class _Families(Collector):
    """Shows the registry the families of one `Metrics`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.families()


def _registry(metrics: Metrics) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Families(metrics))
    # Memory, open files, start time: what a soak is judged by.
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def _filled(
    kind: type[CounterMetricFamily | GaugeMetricFamily],
    family: Family,
    value: float | Mapping[str, int] | Mapping[tuple[str, ...], int],
) -> Metric:
    metric = kind(_PREFIX + family.name, family.meaning, labels=family.labels)
    if isinstance(value, Mapping):
        for label, count in value.items():
            metric.add_metric((label,) if isinstance(label, str) else label, count)
    else:
        metric.add_metric((), value)
    return metric
