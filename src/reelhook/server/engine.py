"""The engine: all parts of one running Reelhook, put together once, started and stopped in order.

Clock, wire, ids, randomness and the way commits run are given from outside, so that tests and the simulator run the
real engine in a world of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Final

import msgspec

from reelhook.dialects.table import dialect_named
from reelhook.model.access import Caller
from reelhook.model.attempt import Verdict
from reelhook.model.ids import IdSource
from reelhook.model.shard import EVERY_SHARD, SHARDS, shard_of
from reelhook.pipeline.directory import Directory
from reelhook.pipeline.flow import Flow
from reelhook.pipeline.prepare import Preparing
from reelhook.pipeline.recollection import Recalling
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.refresh import Refreshing
from reelhook.pipeline.rehearse import Rehearsal
from reelhook.pipeline.sending import Sending
from reelhook.pipeline.values import Health
from reelhook.ports import Claimed, Clock, Committing, Credentials, Delivered, Links, Orphans, Wire
from reelhook.server.changes import Changes
from reelhook.server.nodes import SURVEY_SECONDS, Nodes, hear
from reelhook.server.watching import Watching
from reelhook.store.postgres.store import PostgresStore
from reelhook.store.sqlite import SqliteStore
from reelhook.telemetry import Lines, Metrics
from reelhook.worker.dispatcher import Dispatcher
from reelhook.worker.hold import Hold
from reelhook.worker.keeper import Keeper, Lease
from reelhook.worker.limits import Limits, Observer, Others, tell_nobody
from reelhook.worker.loop import Loop
from reelhook.worker.maintenance import ClockWatch, Indexer, Pruner, Surveyor, measure_backlog
from reelhook.worker.notifier import Notifier
from reelhook.worker.ownership import EverythingIsOurs
from reelhook.worker.postbox import Postbox
from reelhook.worker.quota import Quotas
from reelhook.worker.tasks import TaskRunner

_DAY_MS: Final = 24 * 3600 * 1000
_LONGER_DAYS: Final = 15
"""So much longer than attempts are kept, the ids that clients gave to events are known."""


Store = SqliteStore | PostgresStore


class World(msgspec.Struct, frozen=True):
    """What the engine does not make itself."""

    clock: Clock
    ids: IdSource
    wire: Wire
    credentials: Credentials
    jitter: Callable[[], float]
    metrics: Metrics
    lines: Lines
    links: Links | None = None


class EngineOptions(msgspec.Struct, frozen=True):
    """What an installation decides about the engine. `survey_seconds` is how often a node looks for what others
    accepted for its endpoints.
    """

    limits: Limits = Limits()
    retention_days: float = 30
    operator_app: str | None = None
    postbox: Postbox | None = None
    drain_seconds: float = 30
    lease: Lease = Lease()
    survey_seconds: float = SURVEY_SECONDS


class Engine:
    """One running Reelhook without its HTTP face."""

    def __init__(self, store: Store, world: World, options: EngineOptions) -> None:
        self.store = store
        self.world = world
        self._options = options
        self._stop = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        self._nodes = None if store.members is None else Nodes(store.members, options.lease, world.ids)
        self._keeper: Keeper | None = None
        clock, ids, metrics = world.clock, world.ids, world.metrics
        self.directory = Directory(dialect_named)
        self._watching = Watching(metrics, world.lines, self.directory)
        self.recorder = Recorder(clock, ids, world.jitter)
        refreshing = Refreshing(world.links, self.directory.link_refreshes, clock) if world.links else None
        preparing = Preparing(world.credentials, store.contexts, refreshing)
        self.sending = Sending(preparing, world.wire, clock)
        quotas = Quotas(self.directory.quota_of, clock)
        ownership = EverythingIsOurs() if self._nodes is None else self._nodes.ownership
        self.dispatcher = Dispatcher(
            store.queue,
            store.journal,
            clock,
            self.directory.endpoint,
            self._deliver,
            lambda: ids.take(clock.wall()),
            options.limits,
            Observer(self._recorded, self._disable, self._watching.circuit_opened),
            quotas,
            Others(
                ownership,
                tell_nobody if store.hints is None else store.hints.due,
                history=store.history,
                failing=self.recorder.failing,
            ),
        )
        life = round((options.retention_days + _LONGER_DAYS) * _DAY_MS)
        self.flow = Flow(
            self.directory,
            store.journal,
            self.dispatcher,
            self.sending,
            self.recorder,
            clock,
            ids,
            life,
            Recalling(self.directory, store.contexts, store.tellings),
        )
        self.flow.on_accepted = self._watching.accepted
        if store.refresh is not None:
            self.flow.match_anew(store.refresh)
        self.rehearsal = Rehearsal(
            self.sending,
            self.recorder,
            store.journal,
            dialect_named,
            store.event_types.of,
            clock,
            ids,
            lambda endpoint, counted: quotas.rehearse(endpoint, counted=counted),
        )
        self.notifier = Notifier(
            self._announce,
            self.directory.endpoint,
            store.apps,
            clock,
            metrics,
            options.operator_app,
            options.postbox,
            store.notices,
        )
        self.changes = Changes(
            self.directory,
            self.dispatcher,
            self.recorder,
            self.notifier,
            store.apps,
            store.endpoints,
            store.event_types,
            clock,
            ids,
        )
        if isinstance(store, PostgresStore):
            store.on_learned = self.changes.learned
            store.on_due = partial(hear, self.dispatcher)
        self.hold = Hold(store.upkeep, self.dispatcher, clock, metrics)
        self.tasks = TaskRunner(store.tasks, clock, metrics, self.dispatcher.waits, ownership)
        self._loops = self._make_loops()

    async def start(self) -> int:
        """Load what is known, rescue what was interrupted, begin to send; return how many were rescued."""
        store = self.store
        self.directory.load(store.apps.all(), store.event_types.all(), store.endpoints.all())
        rescued = 0
        if self._nodes is None:
            await self._learn(EVERY_SHARD)
            rescued = await self._rescue(None)
        store.commit.hold_accepts(self.dispatcher.congested)
        store.commit.on_committed = self.world.metrics.committed
        await self.hold.turn()  # before anything can begin
        loop = asyncio.get_running_loop()
        self._running = [loop.create_task(each.run(self._stop), name=each.name) for each in self._loops]
        self.world.metrics.before_render(self._measure)
        return rescued

    async def drain(self) -> None:
        """Begin nothing more, and let what is under way end."""
        if self._keeper is not None:
            self._keeper.retire()
        await self.dispatcher.drain(self._options.drain_seconds)

    async def stop(self) -> None:
        """Let what is under way end, then close the store: nothing is lost, the rest waits for the next start."""
        await self.drain()
        await self.store.commit.drained()
        await self.changes.settled()
        self._stop.set()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.store.close()

    def failing(self) -> str | None:
        """Return why this process is not fit for work; None when it is."""
        broken = self.store.upkeep.healthy() or self.dispatcher.failing()
        broken = broken or (None if self._keeper is None else self._keeper.failing())
        dead = [each.name for each in self._loops if not each.alive]
        return broken or (f"background work stopped: {', '.join(dead)}" if self._running and dead else None)

    def publish(self, caller: Caller, body: bytes, batch: bool, idempotency_key: str | None) -> Committing[bytes]:
        """Accept what a caller posts, once for each app, route and `Idempotency-Key`."""
        once = None if idempotency_key is None else ("POST /v1/events" + "/batch" * batch, idempotency_key)
        return self.flow.publish(caller.app_id, body, batch=batch, once=once)

    async def _announce(self, app_id: str, event_type: str, data: dict[str, object]) -> None:
        # What nobody has asked to hear is not worth an event among those of the app; the log line told it already.
        if self.directory.matching(app_id, event_type):
            await self.flow.announce(app_id, event_type, msgspec.json.encode(data), "reelhook")

    # The dispatcher is made before the flow that it drives and the changes that it causes: these two look them up.

    def _deliver(self, claimed: Claimed) -> Awaitable[Delivered]:
        return self.flow.deliver(claimed)

    def _wait_after(self, endpoint_id: int, step: int) -> float | None:
        # What is for an endpoint that is gone waits for nothing: it is cancelled in the queue.
        route = self.directory.route(endpoint_id)
        return 0.0 if route is None else self.recorder.wait_after(route, step)

    async def _learn(self, shards: Collection[int]) -> None:
        """Take over how the endpoints of some shards have fared until now, whoever sent to them."""
        if self.store.refresh is not None:
            await self.store.refresh()  # who was cut off for long knows what they were then
        for endpoint_id, health in (await self.store.health()).items():
            if shard_of(endpoint_id) not in shards:
                continue
            if health.failing_since is None:
                self.recorder.forget(endpoint_id)
                self.notifier.streaks.forget(endpoint_id)
            else:
                self.recorder.remember(endpoint_id, Health(failing_since=health.failing_since, failures=1))
                self.notifier.streaks.remember(endpoint_id, health.failing_since, health.notified_at)

    async def _rescue(self, orphans: Orphans | None) -> int:
        """Free what nobody sends any more; return how many deliveries that were."""
        rescued = await self.store.queue.rescue(self.world.clock.now(), self._wait_after, orphans)
        for one in rescued.given_up:
            verdict = Verdict(succeeded=False, failure=one.attempt.failure, error=one.attempt.error, transient=True)
            self._recorded(Delivered(one, verdict))
        return rescued.count

    def _disable(self, delivered: Delivered) -> None:
        self.changes.disable(delivered)

    def _recorded(self, delivered: Delivered) -> None:
        self._watching.recorded(delivered)
        self.notifier.recorded(delivered)

    def _make_loops(self) -> list[Loop]:
        store, clock, metrics = self.store, self.world.clock, self.world.metrics

        def pressure() -> int:
            return store.commit.pending

        pruner = Pruner(store.upkeep, clock, metrics, pressure, self._options.retention_days)
        self.changes.on_removed = pruner.wake
        of_nodes: list[Loop] = []
        survey = Surveyor(self.dispatcher.survey, metrics)
        if self._nodes is not None:
            self._keeper, of_nodes = self._nodes.loops(self.dispatcher, self._rescue, self._learn, clock, metrics)
            survey = Surveyor(self.dispatcher.survey, metrics, self._options.survey_seconds)
        return [
            *of_nodes,
            self.hold,
            self.notifier,
            self.tasks,
            Indexer(store.upkeep, clock, metrics, pressure),
            pruner,
            survey,
            ClockWatch(clock, metrics),
        ]

    def _measure(self) -> None:
        metrics = self.world.metrics
        measure_backlog(self.store.upkeep, self.world.clock, metrics)
        metrics.in_flight = self.dispatcher.in_flight
        metrics.waiting_hand_over = self.dispatcher.in_memory
        metrics.wal_bytes = self.store.wal_bytes()
        metrics.endpoints = self.directory.states()
        metrics.circuits = self.dispatcher.circuits(sum(metrics.endpoints.values()))
        self._measure_nodes()

    def _measure_nodes(self) -> None:
        metrics, store = self.world.metrics, self.store
        if self._nodes is None or self._keeper is None or not isinstance(store, PostgresStore):
            metrics.shards = SHARDS
            return
        metrics.nodes = self._keeper.nodes
        metrics.shards = len(self._nodes.ownership.served)
        metrics.lease_age_seconds = self._keeper.lease_age()
        metrics.registries_age_seconds = store.registries_age()
        metrics.hints_received = store.hints.received
