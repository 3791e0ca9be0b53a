"""One simulated world, from its seed to its end: the process lives, dies and is started again, until all is quiet."""

import asyncio
import itertools
import random
from pathlib import Path
from typing import Final

from tests.simulation import plan
from tests.simulation.account import Account, read_account
from tests.simulation.disk import Disk
from tests.simulation.fate import Fate
from tests.simulation.hearing import heard
from tests.simulation.ledger import Ledger
from tests.simulation.network import ScriptedWire
from tests.simulation.owner import Owner
from tests.simulation.process import Process
from tests.simulation.publisher import Publisher
from tests.simulation.shrink import shrunk
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import Crashed, VirtualClock, VirtualLoop, run

from reelhook.errors import ReelhookError

_LONGEST_ATTEMPT: Final = 16
_PATIENCE: Final = 3600.0
"""How long (s) beyond what was planned a world may take for anything before it counts as caught in a circle."""
_CALM_CHECKS: Final = 200
"""How often the end of the world is looked for, at growing distances, before it counts as never coming."""


class World:
    """A world and all who live in it."""

    def __init__(self, drawn: plan.Plan, folder: Path) -> None:
        self.plan = drawn
        self.path = folder / f"world{drawn.seed}.db"
        self.trace = Trace()
        self.ledger = Ledger()
        self.disk = Disk(plan.dice(drawn.seed, "disk"), self.trace, drawn.slowest_commit)
        self.fate = Fate(drawn.environment, self.disk, self.trace)
        self.disk.passed = self.fate.passed
        self.publisher = Publisher(
            drawn.publishes, self.ledger, self.trace, plan.dice(drawn.seed, "publisher"), drawn.span
        )
        self.owner = Owner(drawn, self.ledger, self.trace)
        self._chance = plan.dice(drawn.seed, "world")
        self._jitter: random.Random = plan.dice(drawn.seed, "jitter")
        self._time = 0.0
        self.quiet = False
        self.account: Account | None = None

    def run(self) -> None:
        """Let it live until all is quiet, or never will be."""
        with heard(self.trace, self.ledger.complaints), shrunk(plan.dice(self.plan.seed, "shrink")) as sizes:
            self.trace.add("WORLD", seed=self.plan.seed, **sizes)
            for life in itertools.count(1):
                self.trace.life = life
                if self._live_once():
                    return
                self._time += self._chance.choice((0.001, 0.5, 5.0, 30.0))

    def _live_once(self) -> bool:
        """Live one life of the process; return whether it was the last."""
        loop = VirtualLoop(self._time)
        clock = VirtualClock(loop, plan.EPOCH, self.fate.skew)
        self.trace.at = clock.true
        life = _Life(self, loop, clock)
        try:
            return bool(run(loop, life.main()))
        except Crashed:
            life.abandon()
            return False
        except BaseException:
            life.abandon()
            raise
        finally:
            self._time = loop.virtual_time
            self.ledger.complaints += loop.faults
            loop.bury()

    def remove_files(self) -> None:
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()


class _Life:
    """What runs in one loop: a process, and those who deal with it."""

    def __init__(self, world: World, loop: VirtualLoop, clock: VirtualClock) -> None:
        self._world = world
        self._loop = loop
        self._clock = clock
        self._process: Process | None = None
        self._restart = asyncio.Event()

    async def main(self) -> bool:
        """Start, live, and stop in order; return whether the world is at its end."""
        world, trace = self._world, self._world.trace
        world.fate.born(self._loop)
        self._loop.expect("this life of the process", world.plan.span / 1000 + _PATIENCE)
        trace.add("STARTS", skew=self._clock.skew)
        process = self._process = self._open()
        fate = asyncio.create_task(world.fate.run(self._clock, self._restart.set))
        try:
            rescued = await process.engine.start()
        except ReelhookError as error:
            trace.add("DOES NOT START", error=error.slug)
            self.abandon()
            return False
        trace.add("RUNS", rescued=rescued)
        living = [
            asyncio.create_task(world.publisher.run(process, plan.EPOCH)),
            asyncio.create_task(world.owner.run(process, plan.EPOCH)),
        ]
        over = await self._until_over(process, fate, living)
        trace.add("STOPS")
        self._loop.expect("the stop of the process", _PATIENCE)
        await process.stop()
        trace.add("STOPPED")
        return over

    def abandon(self) -> None:
        """Close the files as the death of a process does."""
        if self._process is not None:
            self._process.store.abandon()

    def _open(self) -> Process:
        world = self._world
        wire = ScriptedWire(world.plan.receivers, world.ledger, world.trace, self._clock)
        wire.passed = world.fate.passed
        process = Process(
            self._loop,
            self._clock,
            world.path,
            world.disk,
            wire,
            world.trace,
            world.plan.limits,
            world._jitter,
            self._fatal,
            seldom=world.plan.seldom,
        )
        world.ledger.first_ids.append(process.ids.take(self._clock.wall()))
        return process

    def _fatal(self, reason: str) -> None:
        """The disk broke: the program ends at once."""
        self._world.trace.add("KILLED", at="a broken disk", reason=reason)
        self._loop.call_later(0.005, self._loop.kill)

    async def _until_over(
        self, process: Process, fate: "asyncio.Task[None]", living: list["asyncio.Task[None]"]
    ) -> bool:
        """Wait until the process is to be started anew, or everybody has done what he wanted; fate knows no restart."""
        restart = asyncio.create_task(self._restart.wait())
        while not restart.done() and (under_way := [task for task in (fate, *living) if not task.done()]):
            await asyncio.wait([restart, *under_way], return_when="FIRST_COMPLETED")
        restart.cancel()
        for task in (fate, *living):
            if task.done():
                task.result()
        for task in living:
            task.cancel()
        if self._restart.is_set():
            return False
        await self._calm_down(process)
        return True

    async def _calm_down(self, process: Process) -> None:
        """Let all be well, and wait until nothing is left to do."""
        world = self._world
        world.fate.calm(self._clock)
        for receiver in world.plan.receivers.values():
            receiver.phases.clear()
        world.trace.add("CALM")
        pauses = [min(3600.0, 1.0 + check * (20.0 if world.plan.seldom else 1.0)) for check in range(_CALM_CHECKS)]
        self._loop.expect("the end of the world", sum(pauses) + _PATIENCE)
        # What was under way may still disable an endpoint; when it is over, nothing does any more.
        await asyncio.sleep(_LONGEST_ATTEMPT)
        await world.owner.resume_all(process)
        for pause in pauses:
            await asyncio.sleep(pause)
            if not await busy(process):
                world.quiet = True
                break
        world.account = await read_account(process)


async def busy(process: Process) -> bool:
    """Tell whether anything is still to be done."""
    waits = process.rows("SELECT 1 FROM deliveries WHERE state IN ('pending', 'sending', 'retrying') LIMIT 1")
    return bool(waits or await process.store.tasks.unfinished() or process.engine.notifier._queue)
