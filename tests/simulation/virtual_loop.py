"""An event loop whose time is virtual: when nothing is ready it jumps to the next timer. One thread, no sockets."""

import asyncio
import heapq
from asyncio import base_events
from collections.abc import Coroutine
from typing import Any


class Crashed(Exception):
    """The simulated process was killed: none of its callbacks runs any more."""


class Stalled(RuntimeError):
    """The simulated world came to a halt: somebody waits for what never comes, or turns in a circle."""


_MOST_TURNS = 300_000
"""So many callbacks in one life, several times those of the busiest world, and it is caught in a circle."""


class VirtualLoop(base_events.BaseEventLoop):
    """`time()` starts at `start` seconds and moves only by jumps, so days pass in milliseconds, always the same way.

    One process lives in one loop. `kill` ends it in the middle of whatever it does; `bury` then throws away what was
    under way without a word, as the kernel would. `faults` are errors that nobody in the loop took care of.
    """

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.virtual_time = start
        self.faults: list[str] = []
        self.killed = False
        self._dead = False
        self._turns = 0
        self._patience = (float("inf"), "")

    def time(self) -> float:
        return self.virtual_time

    def expect(self, what: str, seconds: float) -> None:
        """Give the world so long from now on for something, in the place of what was expected before."""
        self._patience = (self.virtual_time + seconds, what)

    def kill(self) -> None:
        """Let nothing run after the callback that runs at this moment."""
        self.killed = True

    def bury(self) -> None:
        """Drop all that was under way. Clean-up code of closed coroutines runs, and reaches nothing."""
        self._dead = True
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False
            coroutine = task.get_coro()
            if coroutine is not None:
                coroutine.close()
        self.close()

    def call_soon(self, callback, *args, context=None):
        if self._dead:
            return asyncio.Handle(callback, args, self, context)
        return super().call_soon(callback, *args, context=context)

    def call_at(self, when, callback, *args, context=None):
        if self._dead:
            return asyncio.TimerHandle(when, callback, args, self, context)
        return super().call_at(when, callback, *args, context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self._dead:
            self.faults.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _run_once(self) -> None:
        """Run one callback; jump to the next timer when none is ready."""
        if not self._ready:
            self._jump()
        handle = self._ready.popleft()
        if not handle._cancelled:
            handle._run()
        if self.killed:
            raise Crashed
        self._turns += 1
        if self._turns > _MOST_TURNS:
            raise Stalled(f"at {self.virtual_time} s somebody asks again and again, lastly {handle}")

    def _jump(self) -> None:
        self._drop_cancelled()
        if not self._scheduled:
            raise Stalled("nothing is ready and no timer is set: somebody waits for what never comes")
        self.virtual_time = max(self.virtual_time, self._scheduled[0]._when)
        until, what = self._patience
        if self.virtual_time > until:
            raise Stalled(f"{what} is not over after all the time that it was given")
        self._take_due()

    def _drop_cancelled(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False

    def _take_due(self) -> None:
        """Let timers run whose time has come."""
        while self._scheduled and self._scheduled[0]._when <= self.virtual_time:
            handle = heapq.heappop(self._scheduled)
            handle._scheduled = False
            self._ready.append(handle)

    def _process_events(self, event_list: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody else is in another thread to be woken by."""


class VirtualClock:
    """Implements `Clock` over a virtual loop, for one process.

    `now` is anchored once, to what the wall clock said when the process began, and never jumps; `skew` (ms) moves wall
    time alone, as an administrator's hand would. `true` is the time that nobody in the simulated world can get wrong.
    """

    def __init__(self, loop: VirtualLoop, epoch_ms: int, skew: int = 0) -> None:
        self._loop = loop
        self._epoch_ms = epoch_ms
        self.anchor = skew
        self.skew = skew

    def true(self) -> int:
        return self._epoch_ms + round(self._loop.virtual_time * 1000)

    def now(self) -> int:
        return self.true() + self.anchor

    def wall(self) -> int:
        return self.true() + self.skew


def run(loop: VirtualLoop, main: Coroutine[Any, Any, Any]) -> Any:
    """Run until the coroutine is done, or raise `Crashed`."""
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        asyncio.set_event_loop(None)
