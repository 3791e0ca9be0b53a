"""The machines of a world: on each one node after the other lives, and dies, is paused, cut off, and started again."""

import asyncio
import traceback
from collections.abc import Callable
from typing import Any, Final

from tests.simulation.ledger import Ledger
from tests.simulation.nodes.line import Line
from tests.simulation.nodes.loops import Loops, SharedLoop
from tests.simulation.nodes.node import NodeProcess, NotedIds
from tests.simulation.nodes.plan import NodesPlan
from tests.simulation.nodes.wire import DistantWire
from tests.simulation.plan import EPOCH
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualClock

from reelhook.errors import ReelhookError

_AGAIN_SECONDS: Final = 3.0
"""After so long a supervisor starts anew what did not start."""


class Machine:
    """One machine. `process` is the node that serves there; None while none does."""

    def __init__(
        self, number: int, drawn: NodesPlan, loops: Loops, line: Line, ledger: Ledger, trace: Trace, jitter: Any
    ) -> None:
        self.number = number
        self.line = line
        line.passed = self.passed
        self._plan = drawn
        self._loops = loops
        self._ledger = ledger
        self._trace = trace
        self._jitter = jitter
        self._blow: tuple[str, float] | None = None
        self._stun: tuple[str, float, float] | None = None
        self._stuns: asyncio.TimerHandle | None = None
        self._clock: VirtualClock | None = None
        self.skew = 0
        self.loop: SharedLoop | None = None
        self.process: NodeProcess | None = None
        self._opening: NodeProcess | None = None
        self.rests: float | None = None
        """How long (s) after its end the next life begins."""
        self.ended: Callable[[Machine], None] = lambda _: None

    # Life

    def start(self) -> None:
        """Begin a life."""
        self._ledger.lives += 1
        life = self._ledger.lives
        loop = self.loop = self._loops.make(life, self.line.latency)
        self._trace.life = life
        clock = self._clock = VirtualClock(loop, EPOCH)
        self._set_clock()
        self.line.time = clock.true
        self.line.carry = lambda *call: loop.call_later(self.line.latency(), *call)
        self.rests = _AGAIN_SECONDS
        self._trace.add("STARTS", machine=self.number)
        ids = NotedIds(self._ledger.numbers, life, clock)
        process = self._opening = NodeProcess(loop, clock, ids, self.line)
        self._heed(loop.create_task(self._open(process)))

    async def _open(self, process: NodeProcess) -> None:
        wire = DistantWire(
            self._plan.receivers, self._ledger, self._trace, process.clock, process.loop, self._loops.outside
        )
        wire.passed = self.passed
        try:
            await process.open(self.line, wire, self._trace, self._plan, self._jitter)
        except ReelhookError as error:
            self._trace.add("DOES NOT START", error=error.slug)
            process.loop.kill()
            return
        self._trace.add("RUNS")
        self.process = process

    async def stop(self) -> None:
        """Stop in order; runs in the node's loop."""
        process, self.process = self.process, None
        if process is None:
            return  # it was told so twice before it heard of either
        self._trace.add("STOPS")
        await process.stop()
        self._trace.add("STOPPED")
        process.loop.kill()

    def passed(self, step: str) -> None:
        """Hear that the node came to a step of its work; it may be its last, or its last for long."""
        if self._stun is not None and self._stun[0] == step and self.loop is not None:
            (_, after, seconds), self._stun = self._stun, None
            self._stuns = self._loops.outside.call_later(after, self._pause, self.loop, seconds, step)
        if self._blow is not None and self._blow[0] == step and self.loop is not None:
            self.rests = self._blow[1]
            self._blow = None
            self._trace.add("KILLED", machine=self.number, at=step)
            self.loop.kill()

    def buried(self) -> None:
        """The loop is no more; close what the death of a process closes."""
        loop, process = self.loop, self._opening
        assert loop is not None
        store = getattr(process, "store", None)
        if store is not None:
            store.abandon()
        self._loops.remove(loop)
        self._ledger.complaints += loop.faults
        self._ledger.ends[loop.life] = self._trace.add("ENDED", machine=self.number)
        self.loop = self.process = self._opening = None
        self.ended(self)

    # Fate

    def strike(self, what: str, value: tuple[Any, ...]) -> None:
        """Let something befall this machine; nothing befalls the dead but what is of the machine itself."""
        self._trace.add(what.upper(), machine=self.number, value=value[1:])
        if what == "clock":
            self.skew = value[1]
            self._set_clock()
        elif what == "cut":
            self.line.cut, self.line.silent = True, value[1]
        elif what == "mend":
            self.line.cut = False
        elif what == "break":
            self.line.fate = value[1:]
        elif what == "stun":
            self._stun = value[1:]
        elif self.loop is not None:
            self._strike_node(what, value)

    def _strike_node(self, what: str, value: tuple[Any, ...]) -> None:
        assert self.loop is not None
        if what == "crash":
            self._blow = (value[1], value[2])
            self.passed("now")
        elif what == "pause":
            self._pause(self.loop, value[1], "now")
        elif what == "stop" and self.process is not None:
            self.rests = value[1]
            self._heed(self.loop.create_task(self.stop()))

    def _pause(self, loop: SharedLoop, seconds: float, step: str) -> None:
        if loop is self.loop:
            loop.paused_until = self._loops.now + seconds
            begun = self._trace.add("SLEEPS", machine=self.number, at=step)
            self._ledger.pauses.append((loop.life, begun, EPOCH + round(loop.paused_until * 1000)))

    def _set_clock(self) -> None:
        if self._clock is not None and self.loop is not None:
            self._clock.skew = self.skew
            if self.skew:
                self._ledger.skewed.add(self.loop.life)

    def _heed(self, task: "asyncio.Task[None]") -> None:
        """Let no fault of what runs for itself go unheard."""
        task.add_done_callback(self._tell_fault)

    def _tell_fault(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._ledger.complaints.append("".join(traceback.format_exception(error, limit=-4)))

    def calm(self) -> None:
        """Let nothing befall it any more."""
        self._blow = self._stun = None
        if self._stuns is not None:
            self._stuns.cancel()
        self.line.cut = self.line.silent = False
        self.line.fate = None
        self.skew = 0
        self._set_clock()
        if self.loop is not None:
            self.loop.paused_until = 0.0
