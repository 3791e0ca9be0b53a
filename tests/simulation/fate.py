"""Fate: what befalls the process and its machine, at the times that the plan says."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.simulation.disk import Disk
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualClock, VirtualLoop


class Fate:
    """Crashes, restarts, full disks, wrong clocks. What is still to come outlives the process; so does the skew."""

    def __init__(self, events: list[tuple[int, str, Any]], disk: Disk, trace: Trace) -> None:
        self._events = events
        self._disk = disk
        self._trace = trace
        self._blow: str | None = None
        self._kill: Callable[[], None] = lambda: None
        self.skew = 0

    def born(self, loop: VirtualLoop) -> None:
        """A new life begins; a disk that broke is replaced by then."""
        self._kill = loop.kill
        self._blow = None
        self._disk.breaks = None

    def passed(self, step: str) -> None:
        """Hear that the process came to a step of its work; it may be its last."""
        if step == self._blow:
            self._trace.add("KILLED", at=step)
            self._kill()

    async def run(self, clock: VirtualClock, restart: Callable[[], None]) -> None:
        """Let happen what is planned, each at its time."""
        clock.skew = self.skew
        while self._events:
            at, what, value = self._events[0]
            await asyncio.sleep(max(0, at - clock.true()) / 1000)
            self._events.pop(0)
            if what == "restart":
                restart()
            else:
                self._strike(what, value, clock)

    def _strike(self, what: str, value: Any, clock: VirtualClock) -> None:
        if what == "crash":
            self._blow = value
            self.passed("now")
            return
        self._trace.add(what.upper(), value=value)
        if what == "clock":
            self.skew = clock.skew = value
        elif what == "disk full":
            self._disk.full = value
        else:
            self._disk.breaks = value

    def calm(self, clock: VirtualClock) -> None:
        """Let nothing befall anybody any more."""
        self._events.clear()
        self._blow = None
        self._disk.full, self._disk.breaks = False, None
        self.skew = clock.skew = 0
