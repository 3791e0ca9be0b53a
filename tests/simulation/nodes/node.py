"""One life of a node: the real store over PostgreSQL and the real engine, from its start until it stops or dies."""

import asyncio
import random
from typing import Any, Final

from tests.simulation.dialects import dialect_of
from tests.simulation.disk import VirtualRunner
from tests.simulation.network import ScriptedWire
from tests.simulation.nodes.line import Line
from tests.simulation.nodes.loops import SharedLoop
from tests.simulation.nodes.plan import NodesPlan
from tests.simulation.process import KEY, NoCredentials, Process
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualClock

from reelhook.model.ids import IdSource
from reelhook.server.engine import Engine, EngineOptions, World
from reelhook.store.postgres.store import PostgresOptions, PostgresStore
from reelhook.telemetry import Lines, Metrics
from reelhook.worker.loop import Loop
from reelhook.worker.maintenance import Indexer, Pruner

_DRAIN_SECONDS: Final = 5


class NotedIds(IdSource):
    """Ids of which it is known who made them: `notes` are (node number, first id, life)."""

    def __init__(self, notes: list[tuple[int, int, int]], life: int, clock: VirtualClock) -> None:
        super().__init__()
        self._notes = notes
        self._life = life
        self._clock = clock

    def renumber(self, node: int) -> None:
        super().renumber(node)
        self._notes.append((node, self.take(self._clock.wall()), self._life))


class NodeEngine(Engine):
    """The engine of a node. Its keeping of house is slower than usual: worlds are short."""

    def _make_loops(self) -> list[Loop]:
        loops = [each for each in super()._make_loops() if each.name != "clock"]
        for each in loops:
            if isinstance(each, Indexer | Pruner):
                each.rest = 20.0
        return loops


class NodeProcess(Process):
    """A running node. What an owner could not know of it is read past all ports."""

    def __init__(self, loop: SharedLoop, clock: VirtualClock, ids: IdSource, line: Line) -> None:
        self.loop = loop
        self.clock = clock
        self.ids = ids
        self._database = line.database
        self._requests: dict[asyncio.Task[None], None] = {}

    async def open(self, line: Line, wire: ScriptedWire, trace: Trace, drawn: NodesPlan, jitter: random.Random) -> None:
        """Do as the program does when it starts."""
        runner = VirtualRunner(line, trace, self.loop)
        opening = PostgresOptions(line.url, KEY, lease=drawn.lease.seconds, runner=lambda _loop: runner)
        self.store = await PostgresStore.open(opening, self.clock, self.ids)
        self.store.members._membership._node = f"life{self.loop.life}"
        self.ids.renumber(await self.store.members.join(takes=True))
        world = World(
            self.clock, self.ids, wire, NoCredentials(), jitter.random, Metrics("simulated"), Lines(every=False)
        )
        options = EngineOptions(drawn.limits, drain_seconds=_DRAIN_SECONDS, lease=drawn.lease)
        self.engine = NodeEngine(self.store, world, options)
        self.engine.directory._dialect_of = dialect_of
        await self.engine.start()

    def rows(self, sql: str, values: Any = ()) -> list[Any]:
        assert not values
        return self._database.rows(sql)

    def claims(self) -> list[int]:
        """Return nothing: here the deliveries themselves tell."""
        return []
