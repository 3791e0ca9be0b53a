"""Senders: the tasks that make attempts, as many as may be under way, each one attempt after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import structlog

from reelhook.model.ids import show
from reelhook.ports import Claimed, Clock, Delivered
from reelhook.worker.agenda import Agenda
from reelhook.worker.claims import Claims
from reelhook.worker.lanes import Lane
from reelhook.worker.memory import Memory, size_of
from reelhook.worker.outcomes import Outcomes
from reelhook.worker.permits import Permits
from reelhook.worker.ring import Ring

_log: Final = structlog.get_logger("reelhook.dispatcher")


class _Work:
    """What one task does at present; `lane` is None between attempts."""

    __slots__ = ("claimed", "lane")

    def __init__(self, lane: Lane, claimed: Claimed) -> None:
        self.lane: Lane | None = lane
        self.claimed = claimed


class Senders:
    """Begins what may begin; `fault` says what of ours went wrong, until it is overcome."""

    def __init__(  # noqa: PLR0913, PLR0917 - the dispatcher is the only caller
        self,
        clock: Clock,
        deliver: Callable[[Claimed], Awaitable[Delivered]],
        permits: Permits,
        claims: Claims,
        outcomes: Outcomes,
        ring: Ring,
        memory: Memory,
        agenda: Agenda,
    ) -> None:
        # Kept, because asking for the running loop costs a system call each time (getpid, on CPython 3.11).
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._deliver = deliver
        self._permits = permits
        self._claims = claims
        self._outcomes = outcomes
        self._ring = ring
        self._memory = memory
        self._agenda = agenda
        self._tasks: dict[asyncio.Task[None], _Work] = {}
        self._pumping = False
        self.fault: str | None = None

    def pump(self) -> None:
        """Begin what may begin, then claim what is due and has room. A fault of ours is told, and tried again."""
        if self._pumping or not self._permits.running:
            return
        self._pumping = True
        try:
            self._send_ready()
            self._claim_due()
            self.fault = None
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the dispatching
            self._stumble(error)
        finally:
            self._pumping = False

    async def finish(self, seconds: float) -> None:
        """Let what has begun end in time; what has not by then is cut off."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def cut_off(self) -> None:
        """End everything now."""
        for task in self._tasks:
            task.cancel()

    def cut_off_lanes(self, lanes: Collection[Lane]) -> int:
        """End the attempts of some lanes now, and let others begin in their place; return how many were under way."""
        late = [task for task, work in self._tasks.items() if work.lane in lanes]
        for task in late:
            task.cancel()
        if late:
            self._loop.call_soon(self.pump)
        return len(late)

    def under_way(self) -> set[int]:
        """Return the ids of the deliveries that are being sent."""
        return {work.claimed.id for work in self._tasks.values()}

    def _stumble(self, error: Exception) -> None:
        """Tell of a fault of ours, and try again in a moment."""
        _log.exception("dispatcher.fault")
        self.fault = f"{type(error).__name__}: {error}"
        self._loop.call_later(1, self.pump)

    def _send_ready(self) -> None:
        now = self._clock.now()
        while (begun := self._permits.begin(now)) is not None:
            work = _Work(*begun)
            task = self._loop.create_task(self._send(work, begun))
            self._tasks[task] = work
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Take back the permit and the memory of an attempt that was cut off, perhaps before it had its first turn."""
        work = self._tasks.pop(task)
        if work.lane is not None:
            self._memory.drop(work.lane.app_id, 0, size_of(work.claimed))
            self._permits.end(work.lane)

    def _claim_due(self) -> None:
        now = self._clock.now()
        for lane in self._agenda.due(now):
            if lane.ready:
                self._ring.add(lane)
            self._claims.claim(lane, now)
            self._send_ready()

    async def _send(self, work: _Work, begun: tuple[Lane, Claimed] | None) -> None:
        """Make one attempt after the other, as long as one may begin: a task for each would cost more than its turn."""
        while begun is not None:
            lane, claimed = work.lane, work.claimed = begun
            delivered = await self._attempt(lane, claimed)
            work.lane = None
            self._permits.end(lane)
            if delivered is not None:
                self._outcomes.record(lane, claimed, delivered)
            begun = self._go_on(lane)

    def _go_on(self, lane: Lane) -> tuple[Lane, Claimed] | None:
        """After an attempt: claim what its lane has room for again, and take what may begin in its stead."""
        if not self._permits.running:
            return None
        now = self._clock.now()
        try:
            if lane.next_due <= now:
                self._claims.claim(lane, now)
            if self._permits.starving:
                self._permits.relieve()
            return self._permits.begin(now)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the dispatching
            self._stumble(error)
            return None

    async def _attempt(self, lane: Lane, claimed: Claimed) -> Delivered | None:
        """Make one attempt; None when nothing came of it."""
        try:
            if not lane.held:
                return await self._deliver(claimed)
            # Held since its turn came, in this very turn of the loop: not a byte was written.
            self._claims.release(lane, [claimed])
        except Exception:  # noqa: BLE001 - a fault of ours, whatever it is, must cost no permit
            # Whether the receiver got it is unknown, so it is sent again.
            _log.exception("attempt.fault", delivery=show("dlv", claimed.id))
            self._claims.set_aside(lane, claimed)
        return None
