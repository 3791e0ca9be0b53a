"""Lanes: one for each endpoint, which decide what may be sent when. Pure: the clock is passed in, in milliseconds.

A lane holds the endpoint's permits, its rate window, its circuit and what is claimed for it; the ring turns over the
lanes that could send, so that a slow or dead endpoint never delays another.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence
from enum import Enum, StrEnum
from itertools import chain, islice
from typing import Final

import msgspec

from reelhook.model.shard import shard_of
from reelhook.ports import Claimed
from reelhook.worker.quota import FixedWindow

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
_LOOK_AT: Final = 64


class CircuitState(StrEnum):
    """Whether an endpoint is sent to: closed yes, open not for now, probing one at a time."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


# Plain names, because looking up a member of an enum costs several times as much as comparing it.
_CLOSED: Final = CircuitState.CLOSED
_OPEN: Final = CircuitState.OPEN
_PROBING: Final = CircuitState.PROBING


class CircuitRule(msgspec.Struct, frozen=True):
    """So many transient failures in a row open it; the pause (ms) doubles with each failed probe, up to `longest`."""

    failures: int
    pause: int
    longest: int


class Circuit:
    """The breaker of one endpoint: while it is open nothing is claimed, and nothing is wasted on a dead receiver.

    `tally` counts the circuits of all endpoints that are not closed, by state.
    """

    def __init__(self, rule: CircuitRule, tally: Counter[CircuitState] | None = None) -> None:
        self._rule = rule
        self._tally: Counter[CircuitState] = Counter() if tally is None else tally
        self._failures = 0
        self._pause = rule.pause
        self.state = _CLOSED
        self.until = 0

    def succeeded(self) -> None:
        """The receiver lives."""
        self._failures = 0
        self._pause = self._rule.pause
        if self.state is not _CLOSED:
            self._become(_CLOSED)

    def failed(self, now: int) -> bool:
        """A transient failure; return whether the circuit opened because of it."""
        self._failures += 1
        if self.state is _OPEN or (self.state is _CLOSED and self._failures < self._rule.failures):
            return False
        if self.state is _PROBING:
            self._pause = min(self._pause * 2, self._rule.longest)
        self._become(_OPEN)
        self.until = now + self._pause
        return True

    def allows(self, now: int) -> bool:
        """Tell whether anything may be sent; an open circuit whose pause is over begins to probe."""
        if self.state is _OPEN and now >= self.until:
            self._become(_PROBING)
        return self.state is not _OPEN

    def _become(self, state: CircuitState) -> None:
        for which, change in ((self.state, -1), (state, 1)):
            if which is not _CLOSED:
                self._tally[which] += change
        self.state = state


class RateWindow:
    """At most `count` attempts in any `per` milliseconds, exactly: it remembers when the last `count` began.

    `before` is the window that this one follows on: a change of the endpoint does not forget what was sent just now.
    """

    def __init__(self, count: int, per: int, before: "RateWindow | None" = None) -> None:
        self._per = per
        self._begun: deque[int] = deque(before.begun() if before else (), maxlen=count)
        self._count = count

    def recall(self, begun: Iterable[int]) -> None:
        """Count what another process began, oldest first, in the place of what was counted here."""
        self._begun.clear()
        self._begun.extend(begun)

    def free(self, now: int) -> int:
        """Return how many may begin now."""
        while self._begun and self._begun[0] <= now - self._per:
            self._begun.popleft()
        return self._count - len(self._begun)

    def begin(self, now: int) -> None:
        """Count one that begins now."""
        self._begun.append(now)

    def begun(self) -> Sequence[int]:
        """Return when the last ones began, oldest first."""
        return self._begun

    def next_at(self) -> int:
        """Return when the next one may begin, once none is free."""
        return self._begun[0] + self._per if self._begun else 0


class Scarcity(Enum):
    """How few permits are left for all: then they go to endpoints that give them back soon, so that those which answer
    slowly, however many there are, never take all of them.
    """

    NONE = "enough for everybody"
    SOME = "enough for quick endpoints, and one for each other"
    DIRE = "for endpoints that have shown that they are quick"


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


class Ring:
    """Turns over the lanes that have something ready: each gets one turn, then the next one."""

    def __init__(self, per_app: int) -> None:
        self._lanes: deque[Lane] = deque()
        self._stalled: dict[Lane, None] = {}
        self._per_app = per_app
        self._in_flight: dict[str, int] = {}
        self._blocked: dict[str, dict[int, Lane]] = {}

    def add(self, lane: Lane) -> None:
        """Let a lane take part; one whose permits are all in use does so when one of them comes back."""
        if lane.in_ring:
            return
        if lane.is_full():
            self._stalled[lane] = None
            return
        lane.in_ring = True
        self._stalled.pop(lane, None)
        self._lanes.append(lane)

    def has_turns(self) -> bool:
        """Tell whether any lane takes part."""
        return bool(self._lanes)

    def emptied(self, lane: Lane) -> None:
        """Hear that what was ready went back to the queue."""
        self._stalled.pop(lane, None)

    def crowded(self, most: int, now: int) -> Collection[str]:
        """Name the apps whose quick endpoints have more ready than their part of `most`, once all together have more
        than that; looks at some lanes, not at all.
        """
        ready: dict[str, int] = {}
        for lane in islice(chain(self._lanes, self._stalled), _LOOK_AT):
            if lane.ready and lane.is_quick(now) and not lane.is_beyond_help(now):
                ready[lane.app_id] = ready.get(lane.app_id, 0) + len(lane.ready)
        if sum(ready.values()) <= most:
            return ()
        part = most // len(ready)
        return {app_id for app_id, count in ready.items() if count > part}

    def next(self, now: int, scarcity: Scarcity = _ENOUGH) -> Lane | None:
        """Return the lane whose turn it is and that may send now; None when there is none."""
        while self._lanes:
            lane = self._lanes.popleft()
            lane.in_ring = False
            if not lane.may_send(now) or not lane.deserves(scarcity, now):
                if lane.ready:
                    self._stalled[lane] = None
                self._unblock(lane.app_id)
                continue
            if self._in_flight.get(lane.app_id, 0) >= self._per_app:
                self._blocked.setdefault(lane.app_id, {})[lane.endpoint_id] = lane
                continue
            return lane
        return None

    def begun(self, lane: Lane) -> None:
        """Count an attempt that begins, and give the lane its next turn."""
        self._in_flight[lane.app_id] = self._in_flight.get(lane.app_id, 0) + 1
        if lane.ready:
            self.add(lane)

    def ended(self, lane: Lane) -> None:
        """Count an attempt that ended; lanes of the app that waited for its share take part again."""
        left = self._in_flight[lane.app_id] - 1
        if left:
            self._in_flight[lane.app_id] = left
        else:
            del self._in_flight[lane.app_id]
        self._unblock(lane.app_id)
        if lane.ready:
            self.add(lane)

    def revive(self) -> None:
        """Let a lane take part again that got nothing while permits were scarce and waits for no end of its own."""
        for lane in islice(self._stalled, _LOOK_AT):
            if not lane.in_flight:
                self.add(lane)
                return

    def _unblock(self, app_id: str) -> None:
        """Let one lane that waited for its app's share take part again, where a place is free."""
        blocked = self._blocked.get(app_id)
        if not blocked or self._in_flight.get(app_id, 0) >= self._per_app:
            return
        lane = blocked.pop(next(iter(blocked)))
        if not blocked:
            del self._blocked[app_id]
        self.add(lane)
