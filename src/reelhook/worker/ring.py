"""The ring: turns over the lanes that could send, so that a slow or dead endpoint never delays another."""

from collections import deque
from collections.abc import Collection
from itertools import chain, islice
from typing import Final

from reelhook.worker.lanes import Lane
from reelhook.worker.scarcity import Scarcity

_LOOK_AT: Final = 64
_ENOUGH: Final = Scarcity.NONE


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
