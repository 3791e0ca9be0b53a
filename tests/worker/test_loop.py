"""The shape of background work."""

import asyncio

import pytest
from structlog.testing import capture_logs
from tests.worker.virtual import running, virtually

from reelhook.errors import Unavailable
from reelhook.telemetry import Metrics
from reelhook.worker.loop import Loop


class Scripted(Loop):
    """Takes turns from a script: a number is a rest, None a rest until woken, an exception is raised."""

    name = "scripted"

    def __init__(self, *script: float | Exception | None) -> None:
        super().__init__(Metrics("test"))
        self.script = list(script)
        self.turns: list[float] = []
        self.finished = 0

    async def turn(self) -> float | None:
        self.turns.append(asyncio.get_running_loop().time())
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        return step

    async def finish(self) -> None:
        self.finished += 1


def test_it_rests_as_long_as_its_turn_says():
    loop = Scripted(2.0, 0, 5.0)
    virtually(running(loop, asyncio.sleep(20)))
    assert loop.turns == pytest.approx([0, 2, 2, 7])


def test_waking_ends_a_rest_and_is_not_lost_during_a_turn():
    loop = Scripted(None, None)

    async def scenario() -> None:
        await asyncio.sleep(1)
        loop.wake()
        await asyncio.sleep(1)

    virtually(running(loop, scenario()))
    assert loop.turns == pytest.approx([0, 1])


def test_a_failure_is_logged_and_tried_again_later_each_time_even_when_somebody_keeps_waking_it():
    loop = Scripted(Unavailable("busy"), ValueError("ours"), Unavailable("busy"), None)

    async def wake_often() -> None:
        for _ in range(80):
            loop.wake()
            await asyncio.sleep(0.1)

    with capture_logs() as logs:
        virtually(running(loop, wake_often()))
    assert loop.turns[:4] == pytest.approx([0, 0.5, 1.5, 3.5])
    assert [(line["log_level"], line["pause"]) for line in logs] == [("warning", 0.5), ("error", 1.0), ("warning", 2.0)]
    assert loop._metrics.loop_failures["scripted"] == 3


def test_pauses_after_failures_do_not_grow_beyond_half_a_minute():
    loop = Scripted(*[Unavailable("busy")] * 30)
    with capture_logs() as logs:
        virtually(running(loop, asyncio.sleep(3600)))
    assert max(line["pause"] for line in logs) == 30
    assert len(loop.turns) == 31


@pytest.mark.fault("R27")
@pytest.mark.parametrize("resting", [None, 1000.0, Unavailable("busy")])
def test_it_stops_at_once_in_any_rest_finishes_once_and_is_alive_only_meanwhile(resting):
    loop = Scripted(resting)

    async def life() -> float:
        stop = asyncio.Event()
        task = asyncio.create_task(loop.run(stop))
        await asyncio.sleep(0.01)
        assert loop.alive
        stop.set()
        await task
        return asyncio.get_running_loop().time()

    with capture_logs():
        stopped_at = virtually(life())
    assert stopped_at == pytest.approx(0.01)
    assert (loop.alive, loop.finished, len(loop.turns)) == (False, 1, 1)


@pytest.mark.fault("R27")
def test_a_turn_that_hangs_holds_up_the_stop_for_a_few_seconds_only():
    loop = Scripted()

    async def hang() -> None:
        await asyncio.sleep(3600)

    async def life() -> float:
        loop.turn = hang
        await running(loop, asyncio.sleep(1))
        return asyncio.get_running_loop().time()

    assert virtually(life()) < 10
    assert (loop.alive, loop.finished) == (False, 1)


def test_a_cancelled_loop_is_dead():
    async def life() -> bool:
        loop = Scripted(None)
        task = asyncio.create_task(loop.run(asyncio.Event()))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return loop.alive

    assert virtually(life()) is False
