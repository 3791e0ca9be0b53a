"""Lanes: one for each endpoint, which decide what may be sent when. Pure: the clock is passed in, in milliseconds.

A lane holds the endpoint's permits, its rate window, its circuit and what is claimed for it.
"""

from collections import deque
from typing import Final

from reelhook.model.shard import shard_of
from reelhook.ports import Claimed
from reelhook.worker.circuit import Circuit, CircuitState
from reelhook.worker.quota import FixedWindow
from reelhook.worker.rate_window import RateWindow
from reelhook.worker.scarcity import Scarcity

NEVER: Final = 1 << 62
_QUICK_MS: Final = 100.0
_SMOOTHING: Final = 0.05
_FRESH_MS: Final = 1000
"""A backlog no older than this does not keep new deliveries from being handed over: it is being worked on."""
_CHRONIC_MS: Final = 10_000
"""A backlog that is older than this is not ours to work off by accepting less: it waits in the queue."""
_CLAIMED: Final = 4
"""A claim fills a quarter of the places at most: else what is accepted meanwhile finds none, goes to the queue too, and
all of it takes the long way from then on."""

# Plain names, because looking up a member of an enum costs several times as much as comparing it.
_CLOSED: Final = CircuitState.CLOSED
_OPEN: Final = CircuitState.OPEN
_PROBING: Final = CircuitState.PROBING
_ENOUGH: Final = Scarcity.NONE


class Lane:
    """What one endpoint may do now.

    `ready` is claimed and waits for a permit; `reserved` counts what accept is about to hand over; `unsettled` are the
    deliveries whose result or return the store has yet to take. `next_due` is when the first delivery in the queue is
    due, as far as this process knows, and `told` the least of what it heard while it asks; `wake_at` is when the
    dispatcher will look at the lane again by itself; `moved_at` is when an attempt last ended, or began while none was
    in flight. A lane is `foreign` while another node sends for its endpoint, or is about to, `stale` when one may have
    sent since it learned anything, and `recalling` until it knows what was sent lately; it is held then.
    """

    def __init__(self, endpoint_id: int, app_id: str, circuit: Circuit) -> None:
        self.endpoint_id = endpoint_id
        self.shard = shard_of(endpoint_id)
        self.app_id = app_id
        self.circuit = circuit
        self.rate: RateWindow | None = None
        self.quota: FixedWindow | None = None
        self.permits = 1
        self.room = 1
        self.held = False
        self.foreign = False
        self.stale = False
        self.recalling = False
        self.ordered = False
        self.ready: deque[Claimed] = deque()
        self.reserved = 0
        self.in_flight = 0
        self.claiming = False
        self.unsettled: set[int] = set()
        self.next_due = NEVER
        self.told = NEVER
        self.wake_at = NEVER
        self.in_ring = False
        self.moved_at = 0
        self._latency = 0.0
        self._proven = False

    def took(self, milliseconds: float, now: int) -> None:
        """Learn how long an attempt took that ended now."""
        self._latency += (milliseconds - self._latency) * _SMOOTHING
        self._proven = True
        self.moved_at = now

    def is_quick(self, now: int) -> bool:
        """Tell whether the endpoint answers so fast that what waits for it is gone in a moment.

        One that hangs has no latency yet: it is told by what is in flight and does not come back.
        """
        hangs = self.in_flight > 0 and now - self.moved_at > _QUICK_MS
        spent = self.quota is not None and not self.quota.free(now)
        return self._latency < _QUICK_MS and not hangs and not self.parked() and self.rate is None and not spent

    def is_beyond_help(self, now: int) -> bool:
        """Tell whether its backlog is so old that it gets more than it can take, however long publishers wait."""
        return self.next_due <= now - _CHRONIC_MS

    def places(self, now: int) -> int:
        """Return how many may be in memory for it: many for one that is known to be quick, so that a burst passes by
        the queue; else no more than it can begin, so that slow endpoints cannot fill the memory of all.
        """
        return self.room if self._proven and self.is_quick(now) else min(self.room, self.permits)

    def deserves(self, scarcity: Scarcity, now: int) -> bool:
        """Tell whether it gets one of the permits that are left."""
        if scarcity is _ENOUGH:
            return True
        quick = self.is_quick(now)
        return (quick and self._proven) or (scarcity is Scarcity.SOME and (quick or not self.in_flight))

    def surplus(self, now: int) -> bool:
        """Tell whether more is in memory for it than it is worth by now."""
        return len(self.ready) > self.places(now)

    def is_idle(self) -> bool:
        """Tell whether nothing is in memory, under way or asked for."""
        return not (self.ready or self.reserved or self.in_flight or self.claiming)

    def is_at_rest(self) -> bool:
        """Tell whether nothing of it is under way, neither here nor on its way to the store."""
        return self.is_idle() and not self.unsettled

    def in_memory(self) -> int:
        """Return how many deliveries are claimed for it and not begun, or about to be."""
        return len(self.ready) + self.reserved

    def parked(self) -> bool:
        """Tell whether nothing may be sent now, whatever is ready."""
        return self.held or self.circuit.state is _OPEN

    def is_spent(self, now: int) -> bool:
        """Tell whether the quota that it shares with other lanes is used up for now."""
        return self.quota is not None and not self.quota.free(now)

    def is_full(self) -> bool:
        """Tell whether all of its permits are in use."""
        return self.in_flight >= (1 if self.circuit.state is _PROBING else self.permits)

    def may_send(self, now: int) -> bool:
        """Tell whether the next ready delivery may begin now."""
        return (
            bool(self.ready)
            and not self.held
            and not self.is_full()
            and self.circuit.allows(now)
            and (self.rate is None or self.rate.free(now) > 0)
            and (self.quota is None or self.quota.free(now) > 0)
        )

    def may_reserve(self, now: int) -> bool:
        """Tell whether accept may hand a new delivery over without queueing it: the endpoint keeps up at present."""
        if self.held or self.ordered or self.next_due <= now - _FRESH_MS or self.circuit.state is not _CLOSED:
            return False
        waiting = self.in_memory()
        return (
            waiting < self.places(now)
            and (self.rate is None or self.rate.free(now) > waiting)
            and (self.quota is None or self.quota.share(now) > waiting)
        )

    def claimable(self, now: int) -> int:
        """Return how many due deliveries it should take from the queue now."""
        if self.held or self.claiming or self.next_due > now or not self.circuit.allows(now):
            return 0
        if self.circuit.state is _PROBING:
            return 0 if self.is_spent(now) else max(0, 1 - self.in_flight - self.in_memory())
        places = self.places(now)
        room = places - self.in_memory()
        if room <= 0 or room * 2 < places:
            return 0
        room = min(room, max(self.permits, places // _CLAIMED))
        if self.rate is not None:
            room = min(room, self.rate.free(now) - self.in_memory())
        if self.quota is not None:
            room = min(room, self.quota.share(now) - self.in_memory())
        return max(0, room)

    def wakes_at(self, now: int) -> int:
        """Return when it should be looked at again if nothing happens before (ms); NEVER when only an event helps."""
        if self.held:
            return NEVER
        at = NEVER if self.claiming else self.next_due
        if self.ready:
            at = now
        if self.circuit.state is _OPEN:
            at = max(at, self.circuit.until)
        if self.rate is not None and self.rate.free(now) <= 0:
            at = max(at, self.rate.next_at())
        if self.quota is not None and not self.quota.free(now):
            at = max(at, self.quota.turn_at(self.moved_at))
        return at
