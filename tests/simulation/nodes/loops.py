"""The loops of a world: one for each life of a node and one for everybody outside, all in one virtual time."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import Stalled, VirtualLoop

_MOST_TURNS: Final = 2_000_000
_NEVER: Final = float("inf")


class SharedLoop(VirtualLoop):
    """A loop whose time is that of its world. While it is paused nothing runs in it, and its timers come late."""

    def __init__(self, life: int, latency: Callable[[], float]) -> None:
        super().__init__()
        self.life = life
        self.paused_until = 0.0
        self._latency = latency
        self._crews: dict[int, Crew] = {}
        self._batch = 0

    def next_at(self) -> float:
        """Return when something is to run here."""
        if self._ready:
            return max(self.virtual_time, self.paused_until)
        self._drop_cancelled()
        return max(self._scheduled[0]._when, self.paused_until) if self._scheduled else _NEVER

    def turn(self) -> None:
        """Run one callback. Timers that are due come behind what was ready before, as in any loop of asyncio."""
        if not self._batch:
            self._take_due()
            self._batch = len(self._ready)
        self._batch -= 1
        handle = self._ready.popleft()
        if not handle._cancelled:
            handle._run()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """Run in no thread, but at some moment soon, as many at a time as the executor has threads."""
        future = self.create_future()
        crew = self._crews.get(id(executor))
        if crew is None:
            crew = self._crews[id(executor)] = Crew(self, executor, self._latency)
        crew.take(future, func, args)
        return future


class Crew:
    """The threads of one executor: each job happens whole at one moment, and is heard of at a later one."""

    def __init__(self, loop: SharedLoop, executor: ThreadPoolExecutor | None, latency: Callable[[], float]) -> None:
        self._loop = loop
        self._executor = executor
        self._latency = latency
        self._idle = 4 if executor is None else executor._max_workers
        self._waiting: deque[Any] = deque()

    def take(self, future: "asyncio.Future[Any]", func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._waiting.append((future, func, args))
        self._next()

    def _next(self) -> None:
        if self._idle and self._waiting:
            self._idle -= 1
            self._loop.call_later(self._latency(), self._perform, *self._waiting.popleft())

    def _perform(self, future: "asyncio.Future[Any]", func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Do it, though nobody may want it any more: a thread that has begun is not stopped."""
        result, error = None, None
        try:
            result = func(*args)
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is told to who waits for the job
            error = raised
        self._idle += 1
        self._next()
        self._loop.call_later(self._latency(), _tell, future, result, error)


def _tell(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class Loops:
    """Runs them; of those that could run, chance chooses. `died` is told of a loop that was killed."""

    def __init__(self, trace: Trace, chance: random.Random, died: Callable[[SharedLoop], None]) -> None:
        self._trace = trace
        self._chance = chance
        self._died = died
        self._turns = 0
        self._patience = (_NEVER, "")
        self.now = 0.0
        self.outside = SharedLoop(0, lambda: 0.0)
        self.alive: list[SharedLoop] = [self.outside]

    def make(self, life: int, latency: Callable[[], float]) -> SharedLoop:
        """Make the loop of a node."""
        loop = SharedLoop(life, latency)
        loop.virtual_time = self.now
        self.alive.append(loop)
        return loop

    def expect(self, what: str, seconds: float) -> None:
        """Give the world so long from now on for something, in the place of what was expected before."""
        self._patience = (self.now + seconds, what)

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Run everything until this is done, outside."""
        task = self.outside.create_task(main)
        while not task.done():
            self._turn()
        return task.result()

    def remove(self, loop: SharedLoop) -> None:
        """Throw away a loop with all that was under way in it."""
        if loop in self.alive:
            self.alive.remove(loop)
            loop.bury()

    def close(self) -> None:
        for loop in list(self.alive):
            self.remove(loop)

    def _turn(self) -> None:
        loop = self._choose()
        self._trace.life = loop.life
        asyncio._set_running_loop(loop)
        try:
            loop.turn()
        finally:
            asyncio._set_running_loop(None)
        for killed in [one for one in self.alive if one.killed]:
            self._died(killed)
        self._turns += 1
        if self._turns > _MOST_TURNS:
            raise Stalled(f"at {self.now} s somebody asks again and again")

    def _choose(self) -> SharedLoop:
        times = [loop.next_at() for loop in self.alive]
        first = min(times)
        self._pass_time(first)
        able = [loop for loop, at in zip(self.alive, times, strict=True) if at <= self.now]
        return able[0] if len(able) == 1 else self._chance.choice(able)

    def _pass_time(self, until: float) -> None:
        if until == _NEVER:
            raise Stalled("nothing is ready and no timer is set: somebody waits for what never comes")
        if until <= self.now:
            return
        self.now = until
        if until > self._patience[0]:
            raise Stalled(f"{self._patience[1]} is not over after all the time that it was given")
        for loop in self.alive:
            loop.virtual_time = until
