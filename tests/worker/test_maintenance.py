"""Maintenance takes small steps, makes room for deliveries, and watches the clocks."""

import asyncio

import pytest
from structlog.testing import capture_logs
from tests.worker.virtual import START, LoopClock, running, virtually

from reelhook.errors import Unavailable
from reelhook.telemetry import Metrics
from reelhook.worker.maintenance import DAY_MS, ClockWatch, Indexer, Pruner, measure_backlog


class ScriptedUpkeep:
    """Rows to be indexed, expired and pruned; a step takes 20 ms."""

    def __init__(self, *, arrears: int = 0, open_for_too_long: int = 0, old: int = 0) -> None:
        self.left = {"index": arrears, "expire": open_for_too_long, "prune": old}
        self.steps: list[tuple[str, float, int]] = []
        self.befores: dict[str, int] = {}
        self.failures: list[Exception] = []

    async def index(self, limit: int) -> int:
        return await self._step("index", limit)

    async def expire(self, before: int, limit: int, now: int) -> int:
        self.befores["expire"] = now - before
        return await self._step("expire", limit)

    async def prune(self, before: int, limit: int) -> int:
        self.befores["prune"] = before
        return await self._step("prune", limit)

    def backlog(self) -> tuple[int, int | None]:
        return 12, START - 5000

    async def _step(self, kind: str, limit: int) -> int:
        if self.failures:
            raise self.failures.pop(0)
        self.steps.append((kind, asyncio.get_running_loop().time(), limit))
        await asyncio.sleep(0.02)
        done = min(limit, self.left[kind])
        self.left[kind] -= done
        return done


def indexer(upkeep: ScriptedUpkeep, pressure: int = 0) -> Indexer:
    return Indexer(upkeep, LoopClock(), Metrics("test"), lambda: pressure)


def pruner(upkeep: ScriptedUpkeep, clock: LoopClock | None = None) -> Pruner:
    return Pruner(upkeep, clock or LoopClock(), Metrics("test"), lambda: 0, retention_days=30)


def test_arrears_are_worked_off_with_rests_as_long_as_the_work():
    upkeep = ScriptedUpkeep(arrears=10_000)
    virtually(running(indexer(upkeep), asyncio.sleep(0.5)))
    assert upkeep.left["index"] == 0
    assert [round(at, 2) for _, at, _ in upkeep.steps] == [0, 0.04, 0.08, 0.12, 0.16, 0.2]


def test_without_arrears_it_only_looks_once_a_second():
    upkeep = ScriptedUpkeep()
    virtually(running(indexer(upkeep), asyncio.sleep(10)))
    assert 9 <= len(upkeep.steps) <= 11


def test_a_busy_writer_sees_less_of_it_but_the_work_goes_on():
    idle, busy = ScriptedUpkeep(arrears=10**6), ScriptedUpkeep(arrears=10**6)
    virtually(running(indexer(idle), asyncio.sleep(10)))
    virtually(running(indexer(busy, pressure=500), asyncio.sleep(10)))
    assert {limit for _, _, limit in busy.steps} == {500}
    worked = (10**6 - busy.left["index"]) / (10**6 - idle.left["index"])
    assert 0.05 < worked < 0.15


@pytest.mark.fault("R30")
def test_what_is_older_than_the_retention_goes_and_open_deliveries_a_week_later():
    upkeep = ScriptedUpkeep(old=1200, open_for_too_long=700)
    with capture_logs() as logs:
        virtually(running(pruner(upkeep), asyncio.sleep(30)))
    assert (upkeep.left["prune"], upkeep.left["expire"]) == (0, 0)
    assert upkeep.befores["expire"] == 37 * DAY_MS
    assert sum(line["count"] for line in logs) == 700
    assert {limit for _, _, limit in upkeep.steps} == {500}


def test_pruning_comes_back_every_minute():
    upkeep = ScriptedUpkeep()
    virtually(running(pruner(upkeep), asyncio.sleep(600)))
    assert 9 <= len([kind for kind, _, _ in upkeep.steps if kind == "prune"]) <= 11


@pytest.mark.fault("R13")
def test_a_wall_clock_a_year_ahead_does_not_delete_a_year():
    upkeep, clock = ScriptedUpkeep(old=10), LoopClock()
    clock.jump = 365 * DAY_MS
    virtually(running(pruner(upkeep, clock), asyncio.sleep(1)))
    assert upkeep.befores["prune"] == START - 30 * DAY_MS


def test_a_store_that_is_busy_is_asked_again():
    upkeep = ScriptedUpkeep(old=10)
    upkeep.failures = [Unavailable("busy")] * 3
    with capture_logs() as logs:
        virtually(running(pruner(upkeep), asyncio.sleep(60)))
    assert upkeep.left["prune"] == 0
    assert [line["event"] for line in logs] == ["loop.failed"] * 3


@pytest.mark.fault("R13")
@pytest.mark.parametrize("jump", [3_600_000, -3_600_000, 2001])
def test_clocks_that_part_raise_one_alarm_until_they_meet_again(jump):
    clock, metrics = LoopClock(), Metrics("test")

    async def scenario() -> None:
        await asyncio.sleep(5)
        assert metrics.clock_alarm == 0
        clock.jump = jump
        await asyncio.sleep(60)
        assert (metrics.clock_alarm, metrics.clock_drift_seconds) == (1, jump / 1000)
        clock.jump = 0
        await asyncio.sleep(5)
        assert metrics.clock_alarm == 0

    with capture_logs() as logs:
        virtually(running(ClockWatch(clock, metrics), scenario()))
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("warning", "clock.drifts"),
        ("info", "clock.agrees"),
    ]


def test_a_gap_that_grows_is_told_again():
    clock, metrics = LoopClock(), Metrics("test")

    async def scenario() -> None:
        for _ in range(3):
            clock.jump += 3000
            await asyncio.sleep(30)

    with capture_logs() as logs:
        virtually(running(ClockWatch(clock, metrics), scenario()))
    assert [line["seconds"] for line in logs] == [3, 6, 9]


def test_the_backlog_is_measured_from_counters_when_somebody_asks():
    async def scrape() -> Metrics:
        metrics, upkeep, clock = Metrics("test"), ScriptedUpkeep(), LoopClock()
        metrics.before_render(lambda: measure_backlog(upkeep, clock, metrics))
        metrics.render()
        return metrics

    metrics = virtually(scrape())
    assert (metrics.backlog, metrics.oldest_due_seconds) == (12, 5)
