"""The dispatcher: decides which delivery is sent next, and never lets one endpoint delay another.

It owns a lane for each endpoint that has had anything to send. Work reaches it in two ways: handed over by accept in
memory, or claimed from the queue when it is due. All of it runs in the loop's thread, so the limits are exact.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from reelhook.model.attempt import Failure
from reelhook.model.delivery import CLOSED
from reelhook.model.endpoint import Endpoint, EndpointState, Ordering
from reelhook.model.ids import show
from reelhook.ports import Claimed, Clock, Committing, Delivered, Journal, Queue
from reelhook.worker.agenda import Agenda
from reelhook.worker.lanes import NEVER, Circuit, CircuitRule, CircuitState, Lane, RateWindow, Ring, Scarcity
from reelhook.worker.memory import Memory, size_of
from reelhook.worker.quota import FixedWindow, Quotas

_log: Final = structlog.get_logger("reelhook.dispatcher")
_MOST_UNRECORDED: Final = 4096
"""While so many results wait to be stored, nothing new is begun: they are what a crash would make uncertain."""
_CLAIM_AGAIN_MS: Final = 1000
_SCARCE: Final = 0.75
_DIRE: Final = 0.9
"""From these shares of all permits on, the rest is kept for endpoints that give theirs back soon."""
_ENOUGH: Final = Scarcity.NONE
_CLOSED: Final = CircuitState.CLOSED
_PREPARE: Final = Failure.PREPARE
"""Plain names, because looking up a member of an enum costs several times as much as comparing it."""
_ASIDE_SECONDS: Final = 30.0
"""How long a delivery rests whose result could not be stored, before it is put back into the queue."""
_SHED_MS: Final = 1000
_FULL_MS: Final = 50
"""How soon a lane is looked at again that found the dispatcher's memory full of other lanes' work."""


class Limits(msgspec.Struct, frozen=True):
    """How much may happen at once: attempts in all, for each app, for each endpoint; and how much is kept in memory.

    Of events at most 64 MiB: as much as `in_memory` deliveries of 8 KiB, which most are far below. Sending copies a
    body once or twice, so a process stays below some hundred MiB whatever its events are.
    """

    in_flight: int = 1000
    per_app: int = 500
    per_endpoint: int = 64
    room: int = 1024
    in_memory: int = 8192
    in_memory_bytes: int = 64 << 20
    congestion: int = 256
    circuit: CircuitRule = CircuitRule(failures=30, pause=5000, longest=60_000)


class Observer(msgspec.Struct, frozen=True):
    """Who hears of what happens: each is called in the loop and must return at once."""

    recorded: Callable[[Delivered], None]
    disable: Callable[[Delivered], None]
    circuit_opened: Callable[[int], None]


class Dispatcher:
    """Implements `HandOver`, and sends what is due."""

    def __init__(  # noqa: PLR0913, PLR0917 - the composition root is the only caller
        self,
        queue: Queue,
        journal: Journal,
        clock: Clock,
        endpoint_of: Callable[[int], Endpoint | None],
        deliver: Callable[[Claimed], Awaitable[Delivered]],
        new_claim_id: Callable[[], int],
        limits: Limits,
        observer: Observer,
        quotas: Quotas | None = None,
    ) -> None:
        # Kept, because asking for the running loop costs a system call each time (getpid, on CPython 3.11).
        self._loop = asyncio.get_running_loop()
        self._queue = queue
        self._journal = journal
        self._clock = clock
        self._endpoint_of = endpoint_of
        self._deliver = deliver
        self._new_claim_id = new_claim_id
        self._limits = limits
        self._observer = observer
        self._quotas = quotas or Quotas(lambda _app, _dialect: None, clock)
        self._quotas.on_spent = self._spent
        self._lanes: dict[int, Lane] = {}
        self._circuits: Counter[CircuitState] = Counter()
        self._ring = Ring(limits.per_app)
        self._agenda = Agenda(clock, self._pump)
        self._tasks: set[asyncio.Task[None]] = set()
        self._memory = Memory(limits.in_memory, limits.in_memory_bytes)
        self._unrecorded = 0
        self._running = False
        self._pumping = False
        self._fault: str | None = None
        self._shed_at = 0
        self._starving = False
        self._claim_error: str | None = None
        self.in_flight = 0

    # Life

    def start(self) -> None:
        """Begin: look at everything that waits."""
        self._running = True
        self._agenda.start()
        self.survey()
        self._pump()

    def survey(self) -> None:
        """Look at everything that waits; now and then too, so that no lane is forgotten, whoever changed the queue, and
        none is kept whose endpoint is gone.
        """
        for lane in list(self._lanes.values()):
            if lane.is_idle() and self._endpoint_of(lane.endpoint_id) is None:
                self._close(lane)
        for endpoint_id, due_at in self._queue.waiting().items():
            self.waits((endpoint_id,), due_at)

    async def drain(self, seconds: float) -> None:
        """Stop claiming, give back what has not begun, and let what has begun end in time."""
        self._running = False
        self._agenda.stop()
        for lane in self._lanes.values():
            self._give_back(lane)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def halt(self) -> None:
        """Stop at once, in the middle of everything: nothing that is sent now could be recorded any more."""
        self._running = False
        self._agenda.stop()
        for task in self._tasks:
            task.cancel()

    def failing(self) -> str | None:
        """Return why nothing is dispatched; None while all is well."""
        return self._fault if self._running else "the dispatcher is not running"

    @property
    def in_memory(self) -> int:
        """How many deliveries are claimed and not begun."""
        return self._memory.count

    @property
    def bytes_in_memory(self) -> int:
        """How many bytes of events are held for deliveries that are claimed, under way or not recorded yet."""
        return self._memory.size

    # HandOver

    def reserve(self, endpoint_id: int, size: int) -> bool:
        """Give accept a place for a new delivery of so many bytes, where the endpoint keeps up with its events."""
        if not self._running or self._unrecorded >= _MOST_UNRECORDED:
            return False
        lane = self._lane(endpoint_id)
        if lane is None:
            return False
        if not self._memory.has_room(lane.app_id):
            self._shed()
            return False
        if not lane.may_reserve(self._clock.now()):
            return False
        lane.reserved += 1
        self._memory.add(lane.app_id, 1, size)
        return True

    def congested(self) -> Collection[str]:
        """Name the apps whose quick endpoints have more handed over than they can begin: they should wait."""
        return self._ring.crowded(self._limits.congestion, self._clock.now())

    def take(self, claimed: Sequence[Claimed]) -> None:
        """Take over committed deliveries; their commits are on disk."""
        for one in claimed:
            lane = self._lanes[one.endpoint_id]
            lane.reserved -= 1
            lane.ready.append(one)
            self._ready(lane)
        if self._ring.has_turns():
            self._pump()

    def _shed(self) -> None:
        """Give back what endpoints that became slow keep from the others; at most once a second."""
        now = self._clock.now()
        if now < self._shed_at:
            return
        self._shed_at = now + _SHED_MS
        for lane in self._lanes.values():
            if lane.surplus(now):
                self._give_back(lane)

    def cancel(self, places: Iterable[tuple[int, int]]) -> None:
        """Take reserved places back: each an endpoint and a size."""
        for endpoint_id, size in places:
            lane = self._lanes[endpoint_id]
            lane.reserved -= 1
            self._memory.drop(lane.app_id, 1, size)
            self._look_at(lane)

    def waits(self, endpoint_ids: Iterable[int], due_at: int) -> None:
        """Hear that something is, or will be, due for these endpoints."""
        for endpoint_id in endpoint_ids:
            lane = self._lane(endpoint_id)
            if lane is not None and due_at < lane.next_due:
                lane.next_due = due_at
                self._look_at(lane)

    # Endpoints

    def changed(self, endpoint: Endpoint) -> None:
        """Take over a new version of an endpoint: its limits now, its state now."""
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = self._open(endpoint)
        self._configure(lane, endpoint)
        if lane.held:
            self._give_back(lane)
        else:
            self._refresh(lane)

    def hold(self, endpoint_id: int) -> None:
        """Send nothing more to this endpoint, from this moment on."""
        lane = self._lanes.get(endpoint_id)
        if lane is not None:
            lane.held = True
            self._give_back(lane)

    def circuit(self, endpoint_id: int) -> CircuitState:
        """Return the state of an endpoint's circuit."""
        lane = self._lanes.get(endpoint_id)
        return CircuitState.CLOSED if lane is None else lane.circuit.state

    def circuits(self, endpoints: int) -> dict[str, int]:
        """Count so many endpoints by the state of their circuits, from a tally."""
        broken = {state.value: self._circuits[state] for state in (CircuitState.OPEN, CircuitState.PROBING)}
        return {CircuitState.CLOSED.value: max(0, endpoints - sum(broken.values())), **broken}

    def _lane(self, endpoint_id: int) -> Lane | None:
        lane = self._lanes.get(endpoint_id)
        if lane is None:
            endpoint = self._endpoint_of(endpoint_id)
            if endpoint is None:
                return None
            lane = self._open(endpoint)
            self._refresh(lane)
        return lane

    def _open(self, endpoint: Endpoint) -> Lane:
        lane = Lane(endpoint.id, endpoint.app_id, Circuit(self._limits.circuit, self._circuits))
        self._lanes[endpoint.id] = lane
        self._configure(lane, endpoint)
        return lane

    def _close(self, lane: Lane) -> None:
        self._draw_from(lane, None)
        self._agenda.forget(lane)
        lane.circuit.succeeded()
        del self._lanes[lane.endpoint_id]

    def _configure(self, lane: Lane, endpoint: Endpoint) -> None:
        lane.permits = endpoint.concurrency or self._limits.per_endpoint
        lane.room = self._limits.room
        lane.ordered = endpoint.ordering is not Ordering.NONE
        if lane.ordered and endpoint.ordering is Ordering.ENDPOINT:
            lane.permits = 1
        rate = endpoint.rate_limit
        lane.rate = None if rate is None else RateWindow(rate.count, round(rate.per * 1000), lane.rate)
        lane.held = endpoint.state is not EndpointState.ACTIVE
        self._draw_from(lane, self._quotas.window(endpoint.app_id, endpoint.dialect))

    # Quotas

    def app_changed(self, app_id: str) -> None:
        """Take over what an app may send by now: what waited for less may go, what is over it waits."""
        self._quotas.changed(app_id)
        for lane in [lane for lane in self._lanes.values() if lane.app_id == app_id]:
            before, endpoint = lane.quota, self._endpoint_of(lane.endpoint_id)
            self._draw_from(lane, None if endpoint is None else self._quotas.window(app_id, endpoint.dialect))
            if lane.is_spent(self._clock.now()):
                self._give_back(lane)
            if before is not None or lane.quota is not None:
                self._look_at(lane)

    def _draw_from(self, lane: Lane, window: FixedWindow | None) -> None:
        if window is not lane.quota:
            if lane.quota is not None:
                lane.quota.sharers = max(0, lane.quota.sharers - 1)
            if window is not None:
                window.sharers += 1
            lane.quota = window

    def _spent(self, window: FixedWindow) -> None:
        self._loop.call_soon(self._hold_back, window)

    def _hold_back(self, window: FixedWindow) -> None:
        """Where nothing is left of a quota, let what is ready wait in the queue, where everybody can see it."""
        if window.free(self._clock.now()):
            return
        lanes = [lane for lane in self._lanes.values() if lane.quota is window]
        window.sharers = sum(not lane.held for lane in lanes)
        for lane in lanes:
            self._give_back(lane)
            self._look_at(lane)

    # Sending

    def _pump(self) -> None:
        """Begin what may begin, then claim what is due and has room. A fault of ours is told, and tried again."""
        if self._pumping or not self._running:
            return
        self._pumping = True
        try:
            self._send_ready()
            self._claim_due()
            self._fault = None
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the dispatching
            self._stumble(error)
        finally:
            self._pumping = False

    def _stumble(self, error: Exception) -> None:
        """Tell of a fault of ours, and try again in a moment."""
        _log.exception("dispatcher.fault")
        self._fault = f"{type(error).__name__}: {error}"
        self._loop.call_later(1, self._pump)

    def _ready(self, lane: Lane) -> None:
        """Let what is ready take its turn, or go back where nothing may be sent now."""
        if lane.parked() or not self._running or (lane.quota is not None and lane.is_spent(self._clock.now())):
            self._give_back(lane)
        else:
            self._ring.add(lane)
            if lane.rate is not None:
                self._look_at(lane)

    def _send_ready(self) -> None:
        now = self._clock.now()
        while (begun := self._begin(now)) is not None:
            task = self._loop.create_task(self._send(*begun))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _begin(self, now: int) -> tuple[Lane, Claimed] | None:
        """Take the delivery whose turn it is, with the permit to send it; None when none may begin now."""
        if self.in_flight >= self._limits.in_flight or self._unrecorded >= _MOST_UNRECORDED:
            return None
        scarcity = self._scarcity()
        lane = self._ring.next(now, scarcity)
        if lane is None:
            self._starving = self._starving or scarcity is not _ENOUGH
            return None
        claimed = lane.ready.popleft()
        self._memory.drop(lane.app_id, 1, 0)
        if not lane.in_flight:
            lane.moved_at = now
        lane.in_flight += 1
        self.in_flight += 1
        if lane.rate is not None:
            lane.rate.begin(now)
            self._look_at(lane)
        if lane.quota is not None:
            claimed.quota = self._quotas.begin(lane.quota, now)
        self._ring.begun(lane)
        return lane, claimed

    def _scarcity(self) -> Scarcity:
        used = self.in_flight / self._limits.in_flight
        return _ENOUGH if used < _SCARCE else Scarcity.SOME if used < _DIRE else Scarcity.DIRE

    async def _send(self, lane: Lane, claimed: Claimed) -> None:
        """Make one attempt after the other, as long as one may begin: a task for each would cost more than its turn."""
        begun: tuple[Lane, Claimed] | None = (lane, claimed)
        while begun is not None:
            await self._attempt(*begun)
            begun = self._go_on(begun[0])

    def _go_on(self, lane: Lane) -> tuple[Lane, Claimed] | None:
        """After an attempt: claim what its lane has room for again, and take what may begin in its stead."""
        if not self._running:
            return None
        now = self._clock.now()
        try:
            if lane.next_due <= now:
                self._claim(lane, now)
            if self._starving and self._scarcity() is not Scarcity.DIRE:
                self._ring.revive()
                self._starving = self._scarcity() is Scarcity.SOME
            return self._begin(now)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the dispatching
            self._stumble(error)
            return None

    async def _attempt(self, lane: Lane, claimed: Claimed) -> None:
        delivered = None
        try:
            if lane.held:  # since its turn came, in this very turn of the loop: not a byte was written
                self._release(lane, [claimed])
            else:
                delivered = await self._deliver(claimed)
        except Exception:  # noqa: BLE001 - a fault of ours, whatever it is, must cost no permit
            # Whether the receiver got it is unknown, so it is sent again.
            _log.exception("attempt.fault", delivery=show("dlv", claimed.id))
            self._set_aside(lane, claimed)
        finally:
            lane.in_flight -= 1
            self.in_flight -= 1
            self._ring.ended(lane)
        if delivered is not None:
            self._record(lane, claimed, delivered)

    def _set_aside(self, lane: Lane, claimed: Claimed) -> None:
        """Put a delivery back after a while whose outcome cannot be stored: it must not stay `sending` for good."""
        self._loop.call_later(_ASIDE_SECONDS, self._release, lane, [claimed])

    def _record(self, lane: Lane, claimed: Claimed, delivered: Delivered) -> None:
        lane.took(delivered.completion.attempt.timing.total, self._clock.now())
        self._unrecorded += 1
        if answered := len(delivered.completion.attempt.response_body):
            self._memory.add(lane.app_id, 0, answered)
        recording = self._journal.record(delivered.completion)
        recording.add_done_callback(partial(self._recorded, lane, claimed, delivered))
        self._learn(lane, delivered)

    def _learn(self, lane: Lane, delivered: Delivered) -> None:
        verdict = delivered.verdict
        if delivered.disabled is not None:
            self.hold(lane.endpoint_id)
            self._observer.disable(delivered)
        if verdict.failure is _PREPARE:
            return  # it says nothing about the receiver
        if verdict.succeeded or (delivered.completion.attempt.status_code is not None and not verdict.transient):
            # A receiver that answers lives, whatever it answers.
            probed = lane.circuit.state is not _CLOSED
            lane.circuit.succeeded()
            if probed:
                self._look_at(lane)
        elif lane.circuit.failed(self._clock.now()):
            self._give_back(lane)
            self._observer.circuit_opened(lane.endpoint_id)
            self._look_at(lane)

    def _recorded(self, lane: Lane, claimed: Claimed, delivered: Delivered, recording: Committing[bool]) -> None:
        self._unrecorded -= 1
        if self._unrecorded == _MOST_UNRECORDED - 1:
            self._loop.call_soon(self._pump)
        completion = delivered.completion
        if answered := len(completion.attempt.response_body):
            self._memory.drop(lane.app_id, 0, answered)
        error = _error_of(recording)
        if error is not None:
            _log.error("attempt.not_recorded", delivery=show("dlv", completion.delivery_id), error=error)
            self._set_aside(lane, claimed)
            return
        self._memory.drop(lane.app_id, 0, size_of(claimed))
        if not recording.result():
            _log.warning("claim.lost", delivery=show("dlv", completion.delivery_id))
        self._observer.recorded(delivered)
        if completion.due_at is not None:
            self.waits((lane.endpoint_id,), completion.due_at)
        elif completion.lane is not None and completion.state in CLOSED:
            self.waits((lane.endpoint_id,), self._clock.now())

    # Claiming

    def _look_at(self, lane: Lane) -> None:
        """Have the lane looked at when it is due; at once when that is now."""
        at = lane.wakes_at(self._clock.now())
        if at < lane.wake_at:
            self._agenda.put(lane, at)

    def _claim_due(self) -> None:
        now = self._clock.now()
        for lane in self._agenda.due(now):
            if lane.ready:
                self._ring.add(lane)
            self._claim(lane, now)
            self._send_ready()

    def _claim(self, lane: Lane, now: int) -> None:
        """Take what is due for this lane from the queue, as much as it has room for."""
        count = lane.claimable(now)
        if not count:
            self._look_later(lane, now)
            return
        if not self._memory.has_room(lane.app_id):
            self._agenda.put(lane, now + _FULL_MS)
            return
        size = self._memory.allowance(count)
        try:
            claiming = self._queue.claim(lane.endpoint_id, count, now, self._new_claim_id(), size)
            future = asyncio.ensure_future(claiming)
        except Exception as error:  # noqa: BLE001 - whatever the store gives, the lane must not be forgotten
            self._claim_again(lane, repr(error))
            return
        lane.claiming = True
        lane.reserved += count
        self._memory.add(lane.app_id, count, size)
        future.add_done_callback(partial(self._claimed, lane, count, size))

    def _look_later(self, lane: Lane, now: int) -> None:
        """Have a lane that cannot claim now looked at when time will have changed that; what is ready has its turns."""
        at = lane.wakes_at(now)
        if at <= now:
            at = lane.next_due
        if now < at < lane.wake_at:
            self._agenda.put(lane, at)

    def _claim_again(self, lane: Lane, error: str) -> None:
        """Try once more in a moment: the store could not be read or written, which is said once until it can."""
        if error != self._claim_error:
            self._claim_error = error
            _log.error("claim.failed", endpoint=show("ep", lane.endpoint_id), error=error)
        lane.next_due = self._clock.now() + _CLAIM_AGAIN_MS
        self._look_at(lane)

    def _claimed(self, lane: Lane, count: int, size: int, future: "asyncio.Future[Sequence[Claimed]]") -> None:
        lane.claiming = False
        lane.reserved -= count
        self._memory.drop(lane.app_id, count, size)
        error = _error_of(future)
        if error is not None:
            self._claim_again(lane, error)
            return
        self._claim_error = None
        claimed = future.result()
        lane.ready.extend(claimed)
        self._memory.add(lane.app_id, len(claimed), sum(map(size_of, claimed)))
        self._ready(lane)
        self._refresh(lane)
        self._pump()

    def _refresh(self, lane: Lane) -> None:
        """Learn anew from the queue when the lane's next delivery is due."""
        due = self._queue.next_due(lane.endpoint_id)
        lane.next_due = NEVER if due is None else due
        self._look_at(lane)

    def _give_back(self, lane: Lane) -> None:
        """Return what has not begun to the queue, so that it waits where everybody can see it."""
        if not lane.ready:
            return
        released = list(lane.ready)
        lane.ready.clear()
        self._ring.emptied(lane)
        self._memory.drop(lane.app_id, len(released), 0)
        lane.next_due = min(lane.next_due, self._clock.now())
        self._release(lane, released)

    def _release(self, lane: Lane, released: Sequence[Claimed]) -> None:
        future = asyncio.ensure_future(self._queue.release(released))
        future.add_done_callback(partial(self._given_back, lane, sum(map(size_of, released))))

    def _given_back(self, lane: Lane, size: int, future: "asyncio.Future[None]") -> None:
        self._memory.drop(lane.app_id, 0, size)
        error = _error_of(future)
        if error is not None:
            _log.error("release.failed", endpoint=show("ep", lane.endpoint_id), error=error)
        if self._running:
            self._refresh(lane)


def _error_of(future: "asyncio.Future[Any] | Committing[Any]") -> str | None:
    """Say why a future has no result; None when it has one."""
    if future.cancelled():
        return "cancelled"
    error = future.exception()
    return None if error is None else str(error) or repr(error)
