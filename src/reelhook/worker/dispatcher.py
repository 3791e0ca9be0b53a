"""The dispatcher: decides which delivery is sent next, and never lets one endpoint delay another.

It owns a lane for each endpoint that has had anything to send. Work reaches it in two ways: handed over by accept in
memory, or claimed from the queue when it is due. All of it runs in the loop's thread, so the limits are exact.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Final

from reelhook.model.endpoint import Endpoint
from reelhook.ports import Claimed, Clock, Delivered, Journal, Queue
from reelhook.worker.agenda import Agenda
from reelhook.worker.circuit import CircuitState
from reelhook.worker.claims import Claims
from reelhook.worker.lanes import Lane
from reelhook.worker.limits import Limits, Observer, Others
from reelhook.worker.memory import Memory
from reelhook.worker.openings import Openings
from reelhook.worker.outcomes import Outcomes
from reelhook.worker.ownership import LeasedShards
from reelhook.worker.permits import Permits
from reelhook.worker.quota import Quotas
from reelhook.worker.ring import Ring
from reelhook.worker.roster import Roster
from reelhook.worker.senders import Senders
from reelhook.worker.shards import Shards
from reelhook.worker.spending import Spending

_SHED_MS: Final = 1000
_SOON_MS: Final = 1000
"""What is due later than this the owner of its endpoint finds by himself."""


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
        others: Others | None = None,
    ) -> None:
        self._clock = clock
        self._congestion = limits.congestion
        others = others or Others()
        self._hint = others.hint
        quotas = quotas or Quotas(lambda _app, _dialect: None, clock)
        self._ring = ring = Ring(limits.per_app)
        self._memory = memory = Memory(limits.in_memory, limits.in_memory_bytes)
        self._roster = roster = Roster(endpoint_of, limits, quotas)
        self._lanes = roster.lanes
        self._agenda = agenda = Agenda(clock, self._pump)
        self._permits = permits = Permits(limits, ring, memory, quotas, agenda, others.ownership)
        self._claims = claims = Claims(queue, clock, new_claim_id, permits, ring, memory, agenda, self._pump)
        outcomes = Outcomes(journal, clock, observer, permits, claims, memory, agenda, self.waits, self._pump)
        self._senders = Senders(clock, deliver, permits, claims, outcomes, ring, memory, agenda)
        self._openings = Openings(queue, clock, endpoint_of, limits, roster, claims, agenda, others)
        self.app_changed = Spending(quotas, roster, claims, agenda, clock).app_changed
        self._shed_at = 0
        self._suspended = False
        self._ended = False

    # Life

    def start(self) -> None:
        """Begin, or go on after `suspend`: look at everything that waits. What has come to its end stays there."""
        if self._ended:
            return
        self._suspended = False
        self._permits.running = True
        self._agenda.start()
        for lane in self._roster:
            self._claims.refresh(lane)
        self.survey()
        self._pump()

    def suspend(self) -> None:
        """Begin nothing more until the next start, and give back what has not begun; what is under way ends."""
        self._suspended = True
        self._stop_claiming()

    def survey(self) -> None:
        """Look at everything that waits; now and then too, so that no lane is forgotten, whoever changed the queue, and
        none is kept whose endpoint is gone.
        """
        self._openings.survey()

    async def drain(self, seconds: float) -> None:
        """Stop claiming, give back what has not begun, and let what has begun end in time."""
        self._ended = True
        self._stop_claiming()
        await self._senders.finish(seconds)

    def halt(self) -> None:
        """Stop at once, in the middle of everything: nothing that is sent now could be recorded any more."""
        self._ended = True
        self._permits.running = False
        self._agenda.stop()
        self._senders.cut_off()

    def failing(self) -> str | None:
        """Return why nothing is dispatched; None while all is well."""
        running = self._permits.running or self._suspended
        return self._senders.fault if running else "the dispatcher is not running"

    @property
    def in_flight(self) -> int:
        """How many attempts are under way."""
        return self._permits.in_flight

    @property
    def in_memory(self) -> int:
        """How many deliveries are claimed and not begun."""
        return self._memory.count

    @property
    def bytes_in_memory(self) -> int:
        """How many bytes of events are held for deliveries that are claimed, under way or not recorded yet."""
        return self._memory.size

    def _stop_claiming(self) -> None:
        self._permits.running = False
        self._agenda.stop()
        for lane in self._roster:
            self._claims.give_back(lane)

    def _pump(self) -> None:
        self._senders.pump()

    # HandOver

    def reserve(self, endpoint_id: int, size: int) -> bool:
        """Give accept a place for a new delivery of so many bytes, where the endpoint keeps up with its events."""
        now = self._clock.now()
        if self._permits.stopped(now):
            return False
        lane = self._openings.lane(endpoint_id)
        if lane is None:
            return False
        if not self._memory.has_room(lane.app_id):
            self._shed(now)
            return False
        if not lane.may_reserve(now):
            return False
        lane.reserved += 1
        self._memory.add(lane.app_id, 1, size)
        return True

    def congested(self) -> Collection[str]:
        """Name the apps whose quick endpoints have more handed over than they can begin: they should wait."""
        return self._ring.crowded(self._congestion, self._clock.now())

    def take(self, claimed: Sequence[Claimed]) -> None:
        """Take over committed deliveries; their commits are on disk."""
        for one in claimed:
            lane = self._lanes[one.endpoint_id]
            lane.reserved -= 1
            lane.ready.append(one)
            self._claims.ready(lane)
        if self._ring.has_turns():
            self._senders.pump()

    def cancel(self, places: Iterable[tuple[int, int]]) -> None:
        """Take reserved places back: each an endpoint and a size."""
        for endpoint_id, size in places:
            lane = self._lanes[endpoint_id]
            lane.reserved -= 1
            self._memory.drop(lane.app_id, 1, size)
            self._agenda.look_at(lane)

    def doubt(self, claimed: Sequence[Claimed]) -> None:
        """Release deliveries that may be committed; where they are not, that changes nothing."""
        by_lane: dict[Lane, list[Claimed]] = defaultdict(list)
        for one in claimed:
            by_lane[self._lanes[one.endpoint_id]].append(one)
        for lane, released in by_lane.items():
            lane.reserved -= len(released)
            self._memory.drop(lane.app_id, len(released), 0)
            self._claims.release(lane, released)

    def waits(self, endpoint_ids: Iterable[int], due_at: int) -> None:
        """Hear that something is, or will be, due for these endpoints; tell of those that are not ours."""
        elsewhere = [endpoint_id for endpoint_id in endpoint_ids if not self._openings.note(endpoint_id, due_at)]
        if elsewhere and due_at <= self._clock.now() + _SOON_MS:
            self._hint(elsewhere)

    def hinted(self, endpoint_ids: Iterable[int]) -> None:
        """Hear from another process that something is due for these endpoints, of which some may be ours."""
        now = self._clock.now()
        for endpoint_id in endpoint_ids:
            self._openings.note(endpoint_id, now)

    def _shed(self, now: int) -> None:
        """Give back what endpoints that became slow keep from the others; at most once a second."""
        if now < self._shed_at:
            return
        self._shed_at = now + _SHED_MS
        for lane in self._roster:
            if lane.surplus(now):
                self._claims.give_back(lane)

    # Endpoints

    def changed(self, endpoint: Endpoint) -> None:
        """Take over a new version of an endpoint: its limits now, its state now."""
        self._openings.changed(endpoint)

    def hold(self, endpoint_id: int) -> None:
        """Send nothing more to this endpoint, from this moment on."""
        lane = self._lanes.get(endpoint_id)
        if lane is not None:
            lane.held = True
            self._claims.give_back(lane)

    def circuit(self, endpoint_id: int) -> CircuitState:
        """Return the state of an endpoint's circuit."""
        lane = self._lanes.get(endpoint_id)
        return CircuitState.CLOSED if lane is None else lane.circuit.state

    def circuits(self, endpoints: int) -> dict[str, int]:
        """Count so many endpoints by the state of their circuits, from a tally."""
        return self._roster.circuits(endpoints)

    # Shards

    def shards(self, ownership: LeasedShards) -> Shards:
        """Return what takes over and gives up the endpoints of whole shards."""
        return Shards(ownership, self._roster, self._claims, self._senders, self._openings.regained, self.survey)

    def in_hand(self) -> set[int]:
        """Return the ids of all deliveries that are claimed here: ready, under way, or not settled by the store."""
        ids = self._senders.under_way()
        for lane in self._roster:
            ids.update([one.id for one in lane.ready], lane.unsettled)
        return ids
