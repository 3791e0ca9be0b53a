"""Claims: what goes from the queue into the lanes when it is due, and back when it may not be sent now."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import structlog

from reelhook.model.ids import show
from reelhook.ports import Claimed, Clock, Committing, Queue, Taken
from reelhook.worker.agenda import Agenda
from reelhook.worker.lanes import NEVER, Lane
from reelhook.worker.memory import Memory, size_of
from reelhook.worker.permits import Permits
from reelhook.worker.refusals import Refusals
from reelhook.worker.ring import Ring

_AGAIN_MS: Final = 1000
_FULL_SECONDS: Final = 0.05
"""How often it is looked whether there is room again, while lanes wait that found the dispatcher's memory full."""
_AT_ONCE: Final = 256
"""So many of them are looked at in one turn of the loop at most; each of their answers lets more in."""
_ASIDE_SECONDS: Final = 30.0
"""How long a delivery rests whose result could not be stored, before it is put back into the queue."""
_log: Final = structlog.get_logger("reelhook.dispatcher")


class Claims:
    """Moves deliveries between the queue and the lanes; `pump` is called when something has become ready."""

    def __init__(  # noqa: PLR0913, PLR0917 - the dispatcher is the only caller
        self,
        queue: Queue,
        clock: Clock,
        new_claim_id: Callable[[], int],
        permits: Permits,
        ring: Ring,
        memory: Memory,
        agenda: Agenda,
        pump: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue = queue
        self._clock = clock
        self._new_claim_id = new_claim_id
        self._permits = permits
        self._ring = ring
        self._memory = memory
        self._agenda = agenda
        self._pump = pump
        self._refusals = Refusals()
        self._clock_runs = False
        self._error: str | None = None

    # Out of the queue

    def claim(self, lane: Lane, now: int) -> None:
        """Take what is due for this lane from the queue, as much as it has room for, unless others came before it."""
        count = lane.claimable(now)
        if not count:
            self._look_later(lane, now)
        elif self._refusals.of(lane.app_id) or not self._memory.may_ask(lane.app_id):
            self._refusals.add(lane)
            self._wind_up()
        else:
            self._take(lane, count, now)

    def forget(self, lane: Lane) -> None:
        """Have nobody look at a lane any more."""
        self._agenda.forget(lane)
        self._refusals.forget(lane)

    def _take(self, lane: Lane, count: int, now: int) -> None:
        size = self._memory.allowance(count)
        try:
            claiming = self._queue.claim(lane.endpoint_id, count, now, self._new_claim_id(), size)
            future = asyncio.ensure_future(claiming)
        except Exception as error:  # noqa: BLE001 - whatever the store gives, the lane must not be forgotten
            self._again(lane, repr(error))
            return
        lane.claiming = True
        lane.told = NEVER
        lane.reserved += count
        self._memory.ask(lane.app_id, count, size)
        future.add_done_callback(partial(self._claimed, lane, count, size))

    def refresh(self, lane: Lane) -> None:
        """Learn anew from the queue when the lane's next delivery is due."""
        if lane.foreign:
            return
        due = self._queue.next_due(lane.endpoint_id)
        if due is None or isinstance(due, int):
            lane.next_due = NEVER if due is None else due
            self._agenda.look_at(lane)
        else:
            self._ask(lane, asyncio.ensure_future(due))

    def ready(self, lane: Lane) -> None:
        """Let what is ready take its turn, or go back where nothing may be sent now."""
        spent = lane.quota is not None and lane.is_spent(self._clock.now())
        if spent or lane.parked() or not self._permits.running:
            self.give_back(lane)
        else:
            self._ring.add(lane)
            if lane.rate is not None:
                self._agenda.look_at(lane)

    def _claimed(self, lane: Lane, count: int, size: int, future: "asyncio.Future[Taken]") -> None:
        lane.claiming = False
        lane.reserved -= count
        self._memory.answered(lane.app_id, count, size)
        error = error_of(future)
        if error is not None:
            self._again(lane, error)
            return
        self._error = None
        claimed, next_due = future.result()
        lane.ready.extend(claimed)
        self._memory.add(lane.app_id, len(claimed), sum(map(size_of, claimed)))
        self.ready(lane)
        self._learn(lane, next_due)
        self._pump()
        self._readmit()

    def _look_later(self, lane: Lane, now: int) -> None:
        """Have a lane that cannot claim now looked at when time will have changed that; what is ready has its turns."""
        at = lane.wakes_at(now)
        if at <= now:
            at = lane.next_due
        if now < at < lane.wake_at:
            self._agenda.put(lane, at)

    def _again(self, lane: Lane, error: str) -> None:
        """Try once more in a moment: the store could not be read or written, which is said once until it can."""
        if error != self._error:
            self._error = error
            _log.error("claim.failed", endpoint=show("ep", lane.endpoint_id), error=error)
        lane.next_due = self._clock.now() + _AGAIN_MS
        self._agenda.look_at(lane)

    # Where the memory was full

    def _readmit(self) -> None:
        """Let those claim that found no room, as far as there is some now."""
        if not self._refusals:
            return
        if not self._permits.running:
            self._refusals.clear()  # everything is looked at anew when it goes on
            return
        now = self._clock.now()
        for _ in range(_AT_ONCE):
            lane = self._refusals.take(self._memory.may_ask)
            if lane is None:
                return
            count = lane.claimable(now)
            if count:
                self._take(lane, count, now)
            else:
                self._look_later(lane, now)

    def _wind_up(self) -> None:
        if not self._clock_runs:
            self._clock_runs = True
            self._loop.call_later(_FULL_SECONDS, self._tick)

    def _tick(self) -> None:
        self._clock_runs = False
        self._readmit()
        if self._refusals:
            self._wind_up()

    # Where the queue answers later

    def _ask(self, lane: Lane, asking: "asyncio.Future[int | None]") -> None:
        """Wait for the answer, and claim nothing before; what is told meanwhile counts, as the answer may be older."""
        if lane.claiming:
            # Something is asked already, and may be answered with what was true before: it is asked again after that.
            lane.told = self._clock.now()
            asking.cancel()
            return
        lane.claiming = True
        lane.told = NEVER
        asking.add_done_callback(partial(self._answered, lane))

    def _answered(self, lane: Lane, asking: "asyncio.Future[int | None]") -> None:
        lane.claiming = False
        error = error_of(asking)
        if error is not None:
            self._again(lane, error)
            return
        self._learn(lane, asking.result())

    def _learn(self, lane: Lane, due: int | None) -> None:
        """Learn when the next one is due, from an answer that may be older than what was told meanwhile."""
        lane.next_due = lane.told if due is None else min(due, lane.told)
        self._agenda.look_at(lane)

    # Back into the queue

    def give_back(self, lane: Lane) -> None:
        """Return what has not begun to the queue, so that it waits where everybody can see it."""
        if not lane.ready:
            return
        released = list(lane.ready)
        lane.ready.clear()
        self._ring.emptied(lane)
        self._memory.drop(lane.app_id, len(released), 0)
        lane.next_due = min(lane.next_due, self._clock.now())
        self.release(lane, released)

    def drop(self, lane: Lane) -> None:
        """Forget what has not begun: it belongs to another node, which finds it."""
        if not lane.ready:
            return
        self._ring.emptied(lane)
        self._memory.drop(lane.app_id, len(lane.ready), sum(map(size_of, lane.ready)))
        lane.ready.clear()

    def set_aside(self, lane: Lane, claimed: Claimed) -> None:
        """Put a delivery back after a while whose outcome cannot be stored: it must not stay `sending` for good."""
        lane.unsettled.add(claimed.id)
        self._loop.call_later(_ASIDE_SECONDS, self.release, lane, [claimed])

    def release(self, lane: Lane, released: Sequence[Claimed]) -> None:
        """Put deliveries back of which no byte was written, or none that anybody will know of."""
        lane.unsettled.update([one.id for one in released])
        future = asyncio.ensure_future(self._queue.release(released))
        future.add_done_callback(partial(self._given_back, lane, released))

    def _given_back(self, lane: Lane, released: Sequence[Claimed], future: "asyncio.Future[None]") -> None:
        self._memory.drop(lane.app_id, 0, sum(map(size_of, released)))
        lane.unsettled.difference_update([one.id for one in released])
        error = error_of(future)
        if error is not None:
            _log.error("release.failed", endpoint=show("ep", lane.endpoint_id), error=error)
        if self._permits.running:
            # It is due at once. Where it is not there any more, the claim finds out what is.
            lane.told = min(lane.told, self._clock.now())
            lane.next_due = min(lane.next_due, lane.told)
            self._agenda.look_at(lane)


def error_of(future: "asyncio.Future[Any] | Committing[Any]") -> str | None:
    """Say why a future has no result; None when it has one."""
    if future.cancelled():
        return "cancelled"
    error = future.exception()
    return None if error is None else str(error) or repr(error)
