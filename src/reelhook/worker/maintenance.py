"""What keeps the house in order beside the deliveries: small equal siblings, each on a timer of its own."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

import structlog

from reelhook.model.instant import show_time
from reelhook.ports import Clock, Upkeep
from reelhook.telemetry import Metrics
from reelhook.worker.loop import Loop

DAY_MS: Final = 86_400_000
LONGEST_SCHEDULE_MS: Final = 7 * DAY_MS
"""Retry schedules are capped at this, so no delivery can still be open when its event is older than that and the
retention together, unless it is held."""
DRIFT_MS: Final = 2000
"""How far wall time and scheduling time may be apart: receivers allow signatures five minutes."""

_BUSY: Final = 32
"""With so many operations waiting for the writer, maintenance steps back."""
_INDEX_ROWS: Final = 2000
_PRUNE_ROWS: Final = 500
_BUSY_SHARE: Final = 4
"""While the writer is busy a step is so many times smaller, and the rest after it so many times longer."""
_SHORTEST_REST: Final = 0.01
_INDEX_REST: Final = 1.0
_PRUNE_REST: Final = 60.0
_WATCH_REST: Final = 1.0
_SURVEY_REST: Final = 60.0
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("reelhook.maintenance")


class _Stepper(Loop):
    """Does work on the store in steps: smaller and rarer ones while the writer is busy with deliveries.

    `pressure` returns how many operations wait for the writer.
    """

    rows: ClassVar[int]
    rest: ClassVar[float]
    """Seconds to rest when nothing is left to do."""

    def __init__(self, upkeep: Upkeep, clock: Clock, metrics: Metrics, pressure: Callable[[], int]) -> None:
        super().__init__(metrics)
        self._upkeep = upkeep
        self._clock = clock
        self._pressure = pressure

    async def turn(self) -> float:
        """Make one step; rest for as long as it took, longer when the writer is busy or nothing is left."""
        busy = self._pressure() >= _BUSY
        limit = self.rows // _BUSY_SHARE if busy else self.rows
        began = self._clock.now()
        more = await self.step(limit, began)
        if not more:
            return self.rest
        took = (self._clock.now() - began) / 1000
        return max(_SHORTEST_REST, took) * (_BUSY_SHARE if busy else 1)

    @abstractmethod
    async def step(self, limit: int, now: int) -> bool:
        """Do up to `limit` rows; return whether there is more to do."""


class Indexer(_Stepper):
    """Fills the indexes that are kept in arrears, so that recording an attempt need not."""

    name: ClassVar[str] = "indexer"
    rows: ClassVar[int] = _INDEX_ROWS
    rest: ClassVar[float] = _INDEX_REST

    async def step(self, limit: int, now: int) -> bool:  # noqa: ARG002 - the time is of no matter here
        """Index up to `limit` rows."""
        return await self._upkeep.index(limit) >= limit


class Pruner(_Stepper):
    """Cancels deliveries that outlived everything, and deletes what is older than the retention.

    It goes by scheduling time: a wall clock that jumps a year ahead must not delete a year.
    """

    name: ClassVar[str] = "pruner"
    rows: ClassVar[int] = _PRUNE_ROWS
    rest: ClassVar[float] = _PRUNE_REST

    def __init__(
        self, upkeep: Upkeep, clock: Clock, metrics: Metrics, pressure: Callable[[], int], retention_days: float
    ) -> None:
        super().__init__(upkeep, clock, metrics, pressure)
        self._kept = round(retention_days * DAY_MS)

    async def step(self, limit: int, now: int) -> bool:
        """Expire, then prune, up to `limit` rows each."""
        expired = await self._upkeep.expire(now - self._kept - LONGEST_SCHEDULE_MS, limit, now)
        if expired:
            _log.warning("deliveries.expired", count=expired, before=show_time(now - self._kept - LONGEST_SCHEDULE_MS))
        pruned = await self._upkeep.prune(now - self._kept, limit)
        return expired >= limit or pruned >= limit


class Surveyor(Loop):
    """Has the dispatcher look at the whole queue now and then: what nobody told it of is found at the latest then."""

    name: ClassVar[str] = "surveyor"

    def __init__(self, survey: Callable[[], None], metrics: Metrics, rest: float = _SURVEY_REST) -> None:
        super().__init__(metrics)
        self._survey = survey
        self._rest_between = rest
        self._begun = False

    async def turn(self) -> float:
        """Look, but for the first time, which the dispatcher does when it starts."""
        if self._begun:
            self._survey()
        self._begun = True
        return self._rest_between


class ClockWatch(Loop):
    """Raises an alarm while wall time, which signatures carry, and scheduling time drift apart."""

    name: ClassVar[str] = "clock"

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        super().__init__(metrics)
        self._clock = clock
        self._alarmed_at: int | None = None

    async def turn(self) -> float:
        """Compare the two; log when they part, when the gap changes, and when they meet again."""
        drift = self._clock.wall() - self._clock.now()
        apart = abs(drift) > DRIFT_MS
        self._metrics.clock_drift_seconds = drift / 1000
        self._metrics.clock_alarm = int(apart)
        if apart and (self._alarmed_at is None or abs(drift - self._alarmed_at) > DRIFT_MS):
            self._alarmed_at = drift
            _log.warning(
                "clock.drifts", seconds=drift / 1000, hint="check the time service; schedules are not affected"
            )
        elif not apart and self._alarmed_at is not None:
            self._alarmed_at = None
            _log.info("clock.agrees", seconds=drift / 1000)
        return _WATCH_REST


def measure_backlog(upkeep: Upkeep, clock: Clock, metrics: Metrics) -> None:
    """Set the gauges of the queue, from the store's counters; give it to `Metrics.before_render`."""
    metrics.backlog, oldest = upkeep.backlog()
    metrics.oldest_due_seconds = 0.0 if oldest is None else max(0, clock.now() - oldest) / 1000
