"""One life of the process: the real store and the real engine, from its start until it is stopped or dies."""

import asyncio
import base64
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from tests.simulation.dialects import dialect_of
from tests.simulation.disk import Disk, VirtualRunner
from tests.simulation.network import ScriptedWire
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualClock, VirtualLoop

from reelhook.model.audit import AuditEntry
from reelhook.model.endpoint import Endpoint
from reelhook.model.ids import IdSource
from reelhook.model.secret import Secret
from reelhook.ports import AccessToken
from reelhook.server.engine import Engine, EngineOptions, World
from reelhook.store.sqlite import SqliteOptions, SqliteStore
from reelhook.telemetry import Lines, Metrics
from reelhook.worker.limits import Limits
from reelhook.worker.loop import Loop
from reelhook.worker.maintenance import Indexer, Pruner
from reelhook.worker.tasks import TaskRunner

KEY: Final = Secret(base64.b64encode(bytes(32)).decode())
_DRAIN_SECONDS: Final = 5


class NoCredentials:
    """Implements `Credentials`: nobody in the simulated world has OAuth2."""

    async def renew(self, endpoint: Endpoint, refused: str) -> AccessToken | None:
        raise AssertionError("no token was ever given")

    async def bearer(self, endpoint: Endpoint) -> AccessToken:
        raise AssertionError("no endpoint asks for a token")


class SimulatedEngine(Engine):
    """The engine, with its housekeeping at the pace that the world wants: in one of many days it must not tick every
    second. The surveyor, who finds what nobody told the dispatcher of, is left out: here somebody must have told.
    """

    seldom = False

    def _make_loops(self) -> list[Loop]:
        left_out = {"surveyor", "clock"} if self.seldom else {"surveyor"}
        loops = [each for each in super()._make_loops() if each.name not in left_out]
        for each in loops:
            if self.seldom and isinstance(each, Indexer | Pruner):
                each.rest = 3600.0
            if self.seldom and isinstance(each, TaskRunner):
                each.look_seconds = 3600.0
        return loops


class Process:
    """A running Reelhook. Make it inside the loop that it lives in.

    Its calls do what the API does for a request: the change, then telling the parts in memory, then the answer.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        clock: VirtualClock,
        path: Path,
        disk: Disk,
        wire: ScriptedWire,
        trace: Trace,
        limits: Limits,
        jitter: random.Random,
        on_fatal: Callable[[str], None],
        *,
        seldom: bool = False,
    ) -> None:
        self.loop = loop
        self.clock = clock
        self.ids = IdSource()
        options = SqliteOptions(path, KEY, lambda _loop: VirtualRunner(disk, trace, loop), True, on_fatal)
        self.store = SqliteStore(options, clock, self.ids)
        disk.attach(self.store.commit)
        engine_of = type("Engine", (SimulatedEngine,), {"seldom": seldom})
        world = World(clock, self.ids, wire, NoCredentials(), jitter.random, Metrics("simulated"), Lines(every=False))
        self.engine: Engine = engine_of(self.store, world, EngineOptions(limits, drain_seconds=_DRAIN_SECONDS))
        self.engine.directory._dialect_of = dialect_of
        self._requests: dict[asyncio.Task[None], None] = {}

    async def request(self, serve: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Serve a request: once begun it is carried through, though its caller may be gone."""
        task = asyncio.create_task(serve(self, *args))
        self._requests[task] = None
        task.add_done_callback(lambda done: self._requests.pop(done, None))
        await asyncio.shield(task)

    async def stop(self) -> None:
        """Stop as the server does: finish what was asked, then stop the engine."""
        await asyncio.gather(*self._requests)
        await self.engine.stop()

    def entry(self, app_id: str, action: str, target: str = "something") -> AuditEntry:
        wall = self.clock.wall()
        return AuditEntry(self.ids.take(wall), app_id, wall, "simulated", action, target)

    async def add_endpoint(self, endpoint: Endpoint) -> None:
        await self.store.endpoints.add(endpoint, self.entry(endpoint.app_id, "endpoint.create"))
        self.engine.changes.endpoint(endpoint)

    async def change_endpoint(self, endpoint: Endpoint) -> None:
        await self.store.endpoints.change(endpoint, self.entry(endpoint.app_id, "endpoint.change"))
        self.engine.changes.endpoint(endpoint)

    async def remove_endpoint(self, endpoint: Endpoint) -> None:
        entry = self.entry(endpoint.app_id, "endpoint.delete")
        await self.store.endpoints.remove(endpoint.app_id, endpoint.id, entry)
        self.engine.changes.endpoint_removed(endpoint.id)

    def rows(self, sql: str, values: Any = ()) -> list[Any]:
        """Look into the database, past all ports."""
        return self.store._reader.execute(sql, values).fetchall()

    def claims(self) -> list[int]:
        """Return what is claimed from the queue."""
        return [row[0] for row in self.rows("SELECT delivery_id FROM claims")]

    def woken(self, endpoint_id: int) -> None:
        self.engine.dispatcher.waits((endpoint_id,), self.clock.now())
