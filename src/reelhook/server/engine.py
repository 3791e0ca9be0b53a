"""The engine: all parts of one running Reelhook, put together once, started and stopped in order.

Clock, wire, ids, randomness and the way commits run are given from outside, so that tests and the simulator run the
real engine in a world of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from reelhook.dialects.table import dialect_named
from reelhook.model.access import Caller
from reelhook.model.attempt import Verdict
from reelhook.model.ids import IdSource
from reelhook.pipeline.directory import Directory
from reelhook.pipeline.flow import Flow
from reelhook.pipeline.judge import Health
from reelhook.pipeline.prepare import Preparing
from reelhook.pipeline.recollection import Recalling
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.refresh import Refreshing
from reelhook.pipeline.rehearse import Rehearsal
from reelhook.pipeline.sending import Sending
from reelhook.ports import Claimed, Clock, Committing, Credentials, Delivered, Links, Wire
from reelhook.server.changes import Changes
from reelhook.server.watching import Watching
from reelhook.store.sqlite import SqliteStore
from reelhook.telemetry import Lines, Metrics
from reelhook.worker.dispatcher import Dispatcher, Limits, Observer
from reelhook.worker.loop import Loop
from reelhook.worker.maintenance import ClockWatch, Indexer, Pruner, Surveyor, measure_backlog
from reelhook.worker.notifier import Notifier
from reelhook.worker.postbox import Postbox
from reelhook.worker.quota import Quotas
from reelhook.worker.tasks import TaskRunner

_DAY_MS: Final = 24 * 3600 * 1000
_LONGER_DAYS: Final = 15
"""So much longer than attempts are kept, the ids that clients gave to events are known."""


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
    """What an installation decides about the engine."""

    limits: Limits = Limits()
    retention_days: float = 30
    operator_app: str | None = None
    postbox: Postbox | None = None
    drain_seconds: float = 30


class Engine:
    """One running Reelhook without its HTTP face."""

    def __init__(self, store: SqliteStore, world: World, options: EngineOptions) -> None:
        self.store = store
        self.world = world
        self._options = options
        self._stop = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        clock, ids, metrics = world.clock, world.ids, world.metrics
        self.directory = Directory(dialect_named)
        self._watching = Watching(metrics, world.lines, self.directory)
        self.recorder = Recorder(clock, ids, world.jitter, _health(store))
        refreshing = Refreshing(world.links, self.directory.link_refreshes, clock) if world.links else None
        preparing = Preparing(world.credentials, store.contexts, refreshing)
        self.sending = Sending(preparing, world.wire, clock)
        quotas = Quotas(self.directory.quota_of, clock)
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
            store.endpoints,
            store.event_types,
            clock,
            ids,
        )
        self.tasks = TaskRunner(store.tasks, clock, metrics, self.dispatcher.waits)
        self._loops = self._make_loops()

    async def start(self) -> int:
        """Load what is known, rescue what was interrupted, begin to send; return how many were rescued."""
        store = self.store
        self.directory.load(store.apps.all(), store.event_types.all(), store.endpoints.all())
        for endpoint_id, health in store.health().items():
            if health.failing_since is not None:
                self.notifier.streaks.remember(endpoint_id, health.failing_since, health.notified_at)
        rescued = await store.queue.rescue(self.world.clock.now(), self._wait_after)
        for one in rescued.given_up:
            verdict = Verdict(succeeded=False, failure=one.attempt.failure, error=one.attempt.error, transient=True)
            self._recorded(Delivered(one, verdict))
        store.commit.hold_accepts = self.dispatcher.congested
        self.dispatcher.start()
        loop = asyncio.get_running_loop()
        self._running = [loop.create_task(each.run(self._stop), name=each.name) for each in self._loops]
        self.world.metrics.before_render(self._measure)
        return rescued.count

    async def stop(self) -> None:
        """Let what is under way end, then close the store: nothing is lost, the rest waits for the next start."""
        await self.dispatcher.drain(self._options.drain_seconds)
        await self.store.commit.drained()
        await self.changes.settled()
        self._stop.set()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.store.close()

    def failing(self) -> str | None:
        """Return why this process is not fit for work; None when it is."""
        broken = self.store.upkeep.healthy() or self.dispatcher.failing()
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
        return [
            self.notifier,
            self.tasks,
            Indexer(store.upkeep, clock, metrics, pressure),
            pruner,
            Surveyor(self.dispatcher.survey, metrics),
            ClockWatch(clock, metrics),
        ]

    def _measure(self) -> None:
        metrics, commit = self.world.metrics, self.store.commit
        measure_backlog(self.store.upkeep, self.world.clock, metrics)
        metrics.in_flight = self.dispatcher.in_flight
        metrics.waiting_hand_over = self.dispatcher.in_memory
        metrics.commits = commit.commits
        metrics.wal_bytes = self.store.wal_bytes()
        metrics.endpoints = self.directory.states()
        metrics.circuits = self.dispatcher.circuits(sum(metrics.endpoints.values()))


def _health(store: SqliteStore) -> dict[int, Health]:
    return {
        endpoint_id: Health(failing_since=health.failing_since, failures=1)
        for endpoint_id, health in store.health().items()
        if health.failing_since is not None
    }
