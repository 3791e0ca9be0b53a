"""Runs background work on the simulator's loop, so that tests of days take milliseconds."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.simulation.virtual_loop import VirtualLoop

T = TypeVar("T")
START = 1_790_000_000_000


class LoopClock:
    """The loop's time in milliseconds since 1970; `jump` (ms) is by how much the wall clock is off."""

    def __init__(self) -> None:
        self.jump = 0

    def now(self) -> int:
        return START + round(asyncio.get_running_loop().time() * 1000)

    def wall(self) -> int:
        return self.now() + self.jump


def virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


async def running(loop, scenario: Coroutine[Any, Any, T]) -> T:
    """Run the scenario while the background loop runs; stop it afterwards and let it finish."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(loop.run(stop))
        await asyncio.sleep(0)
        try:
            return await scenario
        finally:
            stop.set()
