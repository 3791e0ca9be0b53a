"""The one shape of all background work: turns, with a rest after each, until told to stop."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import ClassVar, Final

import structlog

from reelhook.errors import ReelhookError
from reelhook.telemetry import Metrics

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_PATIENCE: Final = 5.0
"""Seconds that a turn may still take after the stop."""
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("reelhook")


class Loop(ABC):
    """Background work that takes turns. A turn that fails is logged and tried again, later each time it fails in a row.

    Made outside or inside the event loop; `run` once. `alive` is what readiness asks for.
    """

    name: ClassVar[str]

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._woken = asyncio.Event()
        self._failures = 0
        self.alive = False

    @abstractmethod
    async def turn(self) -> float | None:
        """Do a small piece of work; return how long to rest (s) unless woken, None for until woken."""

    async def finish(self) -> None:  # noqa: B027 - most loops have nothing to finish
        """Do what must still be done once told to stop; by default nothing."""

    def wake(self) -> None:
        """End the present rest, or leave out the next one."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Take turns until `stop` is set, then finish."""
        self._live(alive=True)
        try:
            await self._take_turns(stop)
            await self.finish()
        except Exception:  # noqa: BLE001 - the last words of a loop must not break the shutdown of the others
            _log.exception("loop.unfinished", loop=self.name)
        finally:
            self._live(alive=False)

    async def _take_turns(self, stop: asyncio.Event) -> None:
        """Take turns; the one that is under way when the stop comes has a few seconds left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as limit:
                watch = asyncio.create_task(self._heed(stop, limit), name=f"{self.name} heeds the stop")
                try:
                    while not stop.is_set():
                        await self._take_turn(stop)
                finally:
                    watch.cancel()

    async def _heed(self, stop: asyncio.Event, limit: asyncio.Timeout) -> None:
        await stop.wait()
        limit.reschedule(asyncio.get_running_loop().time() + _PATIENCE)
        self.wake()

    async def _take_turn(self, stop: asyncio.Event) -> None:
        """Take a turn and rest; the pause after a failure is not cut short by `wake`, else a busy caller would spin."""
        try:
            rest = await self.turn()
        except ReelhookError as error:
            pause = self._note_failure()
            _log.warning("loop.failed", loop=self.name, error=error.detail, pause=pause)
            await _until(stop, pause)
        except Exception:  # noqa: BLE001 - whatever it is, it is logged and must not end the loop
            pause = self._note_failure()
            _log.exception("loop.failed", loop=self.name, pause=pause)
            await _until(stop, pause)
        else:
            self._failures = 0
            await self._rest(rest)

    def _note_failure(self) -> float:
        self._failures += 1
        self._metrics.loop_failures[self.name] += 1
        return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (min(self._failures, 10) - 1))

    async def _rest(self, seconds: float | None) -> None:
        if seconds is not None and seconds <= 0:
            await asyncio.sleep(0)
            return
        await _until(self._woken, seconds)
        self._woken.clear()

    def _live(self, *, alive: bool) -> None:
        self.alive = alive
        self._metrics.loops[self.name] = int(alive)


async def _until(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for the event, at most so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
