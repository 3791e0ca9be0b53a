"""One simulated world of several nodes, from its seed to its end."""

import asyncio
from contextlib import ExitStack
from typing import Final

from tests.simulation.account import Account, read_account
from tests.simulation.hearing import heard
from tests.simulation.ledger import Ledger, Tenures
from tests.simulation.nodes.database import SharedDatabase
from tests.simulation.nodes.line import Line, laid
from tests.simulation.nodes.loops import Loops, SharedLoop
from tests.simulation.nodes.machines import Machine
from tests.simulation.nodes.node import NodeProcess
from tests.simulation.nodes.notify import Channel, servers_of
from tests.simulation.nodes.people import Front, Owners
from tests.simulation.nodes.plan import NodesPlan, dice
from tests.simulation.plan import EPOCH
from tests.simulation.process import Process
from tests.simulation.publisher import Publisher
from tests.simulation.shrink import shrunk
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualClock
from tests.simulation.world import busy

_LONGEST_ATTEMPT: Final = 16
_PATIENCE: Final = 3600.0
_EXPECTED: Final = ("lease.lapsed", "simulated connection", "database was lost")
"""Errors in the log that the world itself has caused; whether a lease lapsed for no reason is asked separately."""
_HANG_UP_SECONDS: Final = 20.0
_CALM_CHECKS: Final = 60
_OWNERS: Final = """
SELECT node, extract(epoch FROM lease_until), array_agg(id ORDER BY id), array_agg(epoch ORDER BY id) FROM shards
WHERE node IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""


class NodesWorld:
    """A world and all who live in it."""

    def __init__(self, drawn: NodesPlan, database: SharedDatabase) -> None:
        self.plan = drawn
        self.database = database
        self.trace = Trace()
        self.ledger = Ledger()
        self._loops = loops = Loops(self.trace, dice(drawn.seed, "turns"), self._died)
        self._clock = clock = VirtualClock(loops.outside, EPOCH)
        self.trace.at = clock.true
        self._chance = dice(drawn.seed, "world")
        jitter = dice(drawn.seed, "jitter")
        self.lines = [
            Line(
                f"postgresql://node{number}@127.0.0.1/world",
                database,
                self.trace,
                dice(drawn.seed, f"line {number}"),
                drawn.slowest_commit,
            )
            for number in range(len(drawn.nodes))
        ]
        self.machines = [
            Machine(number, drawn, loops, line, self.ledger, self.trace, jitter)
            for number, line in enumerate(self.lines)
        ]
        for machine, line in zip(self.machines, self.lines, strict=True):
            machine.ended = self._ended
            line.left = self._note_owners
        self._front = Front(self.machines, clock, dice(drawn.seed, "asked"), _HANG_UP_SECONDS)
        self._desk = Front(self.machines, clock, dice(drawn.seed, "desk"))
        self.publisher = Publisher(drawn.publishes, self.ledger, self.trace, dice(drawn.seed, "publisher"), drawn.span)
        self.owner = Owners(drawn, self.ledger, self.trace)
        self._over = False
        self.quiet = False
        self.account: Account | None = None

    def run(self) -> None:
        """Let it live until all is quiet, or never will be."""
        lines = {line.url: line for line in self.lines}
        with ExitStack() as stack:
            stack.enter_context(heard(self.trace, self.ledger.complaints, _EXPECTED))
            sizes = stack.enter_context(shrunk(dice(self.plan.seed, "shrink")))
            stack.enter_context(laid(lines, servers_of(lines, Channel())))
            stack.callback(self._close)
            self.trace.add("WORLD", seed=self.plan.seed, lease=self.plan.lease.seconds, **sizes)
            self.database.empty()
            self._loops.run(self._main())

    def _close(self) -> None:
        for machine in self.machines:
            if machine.loop is not None:
                self._over = True
                machine.buried()
        self.ledger.complaints += self._loops.outside.faults
        self._loops.close()

    async def _main(self) -> None:
        """Start, live, calm down, and stop in order."""
        world = self.plan
        self._loops.expect("this world", world.span / 1000 + _PATIENCE)
        for machine, at in zip(self.machines, world.nodes, strict=True):
            asyncio.get_running_loop().call_later((at - EPOCH) / 1000, self._start, machine)
        befalls = asyncio.create_task(self._befall())
        await self.owner.found(self._desk)
        living = [
            befalls,
            asyncio.create_task(self.publisher.run(self._front, EPOCH)),  # type: ignore[arg-type]
            asyncio.create_task(self.owner.run(self._desk, EPOCH)),  # type: ignore[arg-type]
        ]
        await asyncio.gather(*living)
        await self._calm_down()
        await self._stop()

    # Nodes

    def _start(self, machine: Machine) -> None:
        if machine.loop is None and not self._over:
            machine.start()

    def _died(self, loop: SharedLoop) -> None:
        next(machine for machine in self.machines if machine.loop is loop).buried()
        for front in (self._front, self._desk):
            front.ended(loop.life)

    def _ended(self, machine: Machine) -> None:
        if machine.rests is not None and not self._over:
            self._loops.outside.call_later(machine.rests, self._start, machine)

    def _note_owners(self) -> None:
        """Look whose the shards are by now."""
        owners = tuple(
            (int(node.removeprefix("life")), float(until) * 1000, dict(zip(shards, epochs, strict=True)))
            for node, until, shards, epochs in self.database.rows(_OWNERS)
        )
        self.ledger.tenures.append(Tenures(len(self.trace.happenings), owners))

    # Fate

    async def _befall(self) -> None:
        for at, what, value in self.plan.environment:
            await asyncio.sleep(max(0, at - self._clock.true()) / 1000)
            for machine in self.machines:
                if value[0] in (None, machine.number):
                    machine.strike(what, value)

    async def _calm_down(self) -> None:
        """Let all be well, and wait until nothing is left to do."""
        self.trace.add("CALM")
        for machine in self.machines:
            machine.calm()
            self._start(machine)
        for receiver in self.plan.receivers.values():
            receiver.phases.clear()
        self._loops.expect("the end of the world", 2 * _PATIENCE)
        # What was under way may still disable an endpoint; when it is over, nothing does any more.
        await asyncio.sleep(_LONGEST_ATTEMPT)
        await self.owner.catch_up(self._desk)
        await self._desk.request(self.owner.resume_all)
        for check in range(_CALM_CHECKS):
            await asyncio.sleep(1.0 + check / 10)
            if not await self._busy():
                self.quiet = True
                break
        await self._desk.request(self._read)

    async def _busy(self) -> bool:
        found: list[bool] = []

        async def look(process: Process) -> None:
            found.append(await busy(process))

        await self._desk.request(look)
        return not found or any(found)

    async def _read(self, process: NodeProcess) -> None:
        self.account = await read_account(process)

    async def _stop(self) -> None:
        """Stop all nodes in order."""
        self._over = True
        for machine in self.machines:
            if machine.process is not None:
                await self._stop_one(machine)

    async def _stop_one(self, machine: Machine) -> None:
        loop = machine.loop
        assert loop is not None
        machine.strike("stop", (machine.number, None))
        while machine.loop is loop:
            await asyncio.sleep(0.1)
