"""The agenda: when the dispatcher looks at which lane again by itself."""

import asyncio
import heapq
from collections.abc import Callable, Iterator
from typing import Final

from reelhook.ports import Clock
from reelhook.worker.lanes import NEVER, Lane

_SPARE: Final = 64
"""So many entries that mean nothing any more are kept before they are swept out."""


class Agenda:
    """One timer for all lanes. Each has at most one entry that counts, the one at its `wake_at`."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        # The number tells apart what a lane left behind and what the next lane of its endpoint has at the same time.
        self._entries: list[tuple[int, int, int, Lane]] = []
        self._number = 0
        self._lanes: set[Lane] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._stopped = True

    def __len__(self) -> int:
        return len(self._entries)

    def start(self) -> None:
        """Let the timer ring from now on."""
        self._stopped = False
        self._arm()

    def stop(self) -> None:
        """Let it ring no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, NEVER

    def look_at(self, lane: Lane) -> None:
        """Have the lane looked at when it is due; at once when that is now."""
        at = lane.wakes_at(self._clock.now())
        if at < lane.wake_at:
            self.put(lane, at)

    def put(self, lane: Lane, at: int) -> None:
        """Have the lane looked at at this time (ms); another time that was planned before is forgotten."""
        lane.wake_at = at
        self._lanes.add(lane)
        self._number += 1
        heapq.heappush(self._entries, (at, lane.endpoint_id, self._number, lane))
        if len(self._entries) > 2 * len(self._lanes) + _SPARE:
            kept = [one for one in self._lanes if one.wake_at < NEVER]
            self._entries = [(one.wake_at, one.endpoint_id, number, one) for number, one in enumerate(kept)]
            heapq.heapify(self._entries)
        self._arm()

    def forget(self, lane: Lane) -> None:
        """Have nobody look at a lane any more."""
        lane.wake_at = NEVER
        self._lanes.discard(lane)

    def due(self, now: int) -> Iterator[Lane]:
        """Take out the lanes whose time has come."""
        while self._entries and self._entries[0][0] <= now:
            at, _, _, lane = heapq.heappop(self._entries)
            if at == lane.wake_at:
                lane.wake_at = NEVER
                yield lane

    def _arm(self) -> None:
        if not self._entries or self._stopped or self._entries[0][0] >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._entries[0][0]
        delay = max(0, self._timer_at - self._clock.now()) / 1000
        self._timer = self._loop.call_later(delay, self._rings)

    def _rings(self) -> None:
        self._timer = None
        self._timer_at = NEVER
        self._ring()
        self._arm()
