"""The people of a world of several nodes: they ask some node, and turn to another when it dies under their request."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from tests.simulation.ledger import Ledger
from tests.simulation.nodes.machines import Machine
from tests.simulation.nodes.node import NodeProcess
from tests.simulation.nodes.plan import NodesPlan
from tests.simulation.owner import Owner
from tests.simulation.process import Process
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualClock

from reelhook.errors import Unavailable
from reelhook.model.endpoint import Endpoint

Serve = Callable[..., Coroutine[Any, Any, None]]
_LOOK_SECONDS: Final = 0.2


class Front:
    """What people see of all nodes: something that takes requests. Who is not answered hangs up after his `patience`
    (s); the node goes on all the same.
    """

    def __init__(
        self, machines: list[Machine], clock: VirtualClock, chance: random.Random, patience: float | None = None
    ) -> None:
        self.clock = clock
        self._machines = machines
        self._chance = chance
        self._patience = patience
        self._waiting: dict[asyncio.Future[None], int] = {}

    async def request(self, serve: Serve, *args: Any) -> None:
        """Have a request served by some node; return when it was answered, or never will be."""
        process = await self._choose()
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[answered] = process.loop.life
        process.loop.call_soon(self._begin, process, answered, serve, args)
        try:
            await asyncio.wait([answered], timeout=self._patience)
            if answered.done():
                answered.result()
        finally:
            del self._waiting[answered]

    def ended(self, life: int) -> None:
        """A node is gone: nobody waits for it any more."""
        for answered, whose in self._waiting.items():
            if whose == life and not answered.done():
                answered.set_result(None)

    async def _choose(self) -> NodeProcess:
        while True:
            able = [machine.process for machine in self._machines if machine.process is not None]
            if able:
                return self._chance.choice(able)
            await asyncio.sleep(_LOOK_SECONDS)

    def _begin(
        self, process: NodeProcess, answered: "asyncio.Future[None]", serve: Serve, args: tuple[Any, ...]
    ) -> None:
        """Runs in the loop of the node."""
        task = process.loop.create_task(process.request(serve, *args))
        task.add_done_callback(lambda done: answered.get_loop().call_soon(_answer, answered, done))


class Owners(Owner):
    """Owners who do not know which node they talk to. Before they act they read what became of what they did before."""

    def __init__(self, drawn: NodesPlan, ledger: Ledger, trace: Trace) -> None:
        super().__init__(drawn, ledger, trace)
        self._due = sorted((*self._due, *drawn.visits))

    async def catch_up(self, process: Any) -> None:
        """Read it from any node that can read."""
        if isinstance(process, Front):
            await process.request(self._read_up)
        else:
            await super().catch_up(process)

    async def found(self, front: Front) -> None:
        """Make all apps: nobody can publish for one that is not there."""
        made: list[str] = []

        async def make(process: Process) -> None:
            with suppress(Unavailable):
                for app_id in self._plan.apps:
                    await self._create_app(process, app_id)
                made.extend(self._plan.apps)

        while not made:
            await front.request(make)

    async def _settle_in(self, process: Process, wanted: Endpoint) -> None:
        if await self._read_up(process) and wanted in self._wanted:
            await super()._settle_in(process, wanted)

    async def _intervene(self, process: Process) -> None:
        if await self._read_up(process):
            await super()._intervene(process)

    async def _read_up(self, process: Process) -> bool:
        """Bring this node up to date, and read from it what became of changes; tell whether that could be done."""
        try:
            await process.store.refresh()
            await self.catch_up(process)
        except Unavailable:
            return False
        return True


def _answer(answered: "asyncio.Future[None]", done: "asyncio.Task[None]") -> None:
    if answered.done():
        return
    if done.cancelled() or done.exception() is None:
        answered.set_result(None)
    else:
        answered.set_exception(done.exception())  # type: ignore[arg-type]
