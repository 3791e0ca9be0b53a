"""The keeper: keeps this node's shards, takes over what others leave, gives away what is more than its share.

Its rule is that no two nodes ever send for one shard: what is gained is served only once its last owner's remains are
rescued; what is given away rests before; what can no longer be renewed is cut off before its lease ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import ClassVar, Final

import msgspec
import structlog

from reelhook.errors import ReelhookError
from reelhook.ports import Clock, Holding, Members
from reelhook.telemetry import Metrics
from reelhook.worker.lanes import NEVER
from reelhook.worker.loop import Loop
from reelhook.worker.ownership import LeasedShards
from reelhook.worker.shards import Shards

LEASE_SECONDS: Final = 15.0
MARGIN_SECONDS: Final = 3.0
"""Nothing begins so shortly before the end of a lease, so that most of what is under way then ends in time."""
LAST_SECONDS: Final = 1.0
"""So shortly before it what is under way is cut off."""
_AGAIN_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.05
_log: Final = structlog.get_logger("reelhook.nodes")


class Lease(msgspec.Struct, frozen=True):
    """How long a lease is, and how long (s) what rests may take to end before it is cut off. A node that does not take
    shards sends nothing. The margins of a short lease are shorter too, or there would be no time to send.
    """

    seconds: float = LEASE_SECONDS
    patience: float = 60.0
    takes: bool = True

    def shards(self) -> LeasedShards:
        """Return the shards of a node that has none yet."""
        part = min(1.0, self.seconds / LEASE_SECONDS)
        spans = (self.seconds, MARGIN_SECONDS * part, LAST_SECONDS * part)
        lease, margin, last = (round(seconds * 1000) for seconds in spans)
        return LeasedShards(lease, margin, last)


class Events(msgspec.Struct, frozen=True):
    """What follows from a change: `rescue` frees what the last owners of shards left behind, and learns of their
    endpoints; `renumbered` hears of a new number for this node's ids.
    """

    rescue: Callable[[Collection[int]], Awaitable[object]]
    renumbered: Callable[[int], None]


class Keeper(Loop):
    """Renews at a third of the lease, and again soon when that fails."""

    name: ClassVar[str] = "keeper"

    def __init__(  # noqa: PLR0913, PLR0917 - the composition root is the only caller
        self, members: Members, shards: Shards, clock: Clock, metrics: Metrics, lease: Lease, events: Events
    ) -> None:
        super().__init__(metrics)
        self._members = members
        self._shards = shards
        self._ownership = shards.ownership
        self._clock = clock
        self._lease = lease
        self._third = lease.seconds / 3
        self._events = events
        self._calling = asyncio.Lock()
        self._takes = lease.takes
        self._number: int | None = None
        self._arriving: dict[int, int] = {}
        self._arrivals = 0
        self._leaving: frozenset[int] = frozenset()
        self._taking: asyncio.Task[None] | None = None
        self._giving: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._silent = False
        self._renewed_at = clock.now()
        self.nodes = 0

    def lease_age(self) -> float:
        """Return how long ago (s) the lease was last renewed, or this node began."""
        return (self._clock.now() - self._renewed_at) / 1000

    def retire(self) -> None:
        """Take nothing more, and give everything away as soon as it rests."""
        self._takes = False
        self.wake()

    async def turn(self) -> float:
        """Renew, and take over what that changed."""
        try:
            async with self._calling:
                asked_at = self._clock.now()
                holding = await asyncio.wait_for(self._members.renew(takes=self._takes), self._third)
                self._apply(holding, asked_at)
        except (ReelhookError, TimeoutError) as error:
            self._tell_silence(error)
            return _AGAIN_SECONDS
        if self._silent:
            self._silent = False
            _log.info("lease.renewed", shards=len(holding.epochs))
        return self._third

    async def finish(self) -> None:
        """Leave: what this node had others may have at once, or when its lease has ended."""
        for task in (self._taking, self._giving):
            if task is not None:
                task.cancel()
        self._ownership.rest(self._ownership.held)
        try:
            async with self._calling:
                await asyncio.wait_for(self._members.leave(), self._third)
        except (ReelhookError, TimeoutError) as error:
            self._tell_silence(error)
        if self._watch is not None:
            self._watch.cancel()

    def failing(self) -> str | None:
        """Return why this node is of no use; None while it holds its lease, as one that takes no shards does too."""
        if not self._silent or self._clock.now() < self._ownership.ends:
            return None
        return "the lease of this node has lapsed, because PostgreSQL does not answer; other nodes send in its place"

    # Renewals

    def _apply(self, holding: Holding, asked_at: int) -> None:
        if holding.number != self._number:
            self._number = holding.number
            self._events.renumbered(holding.number)
        gained, lost = self._ownership.renewed(holding.epochs, asked_at)
        self._renewed_at, self.nodes = asked_at, holding.nodes
        self._lose(lost)
        self._watch_lease()
        self._shards.renewed()
        self._leave(holding.surplus)
        self._arrive(gained)

    def _watch_lease(self) -> None:
        """Look at the end of the lease, in the turn of the loop in which it comes, or in which this process awakes."""
        if self._watch is not None:
            self._watch.cancel()
        left = max(0, self._ownership.ends - self._clock.now()) / 1000
        self._watch = asyncio.get_running_loop().call_later(left, self._look_at_lease)

    def _look_at_lease(self) -> None:
        self._watch = None
        lost = self._ownership.expired(self._clock.now())
        if lost:
            self._lose(lost)
            _log.error("lease.lapsed", shards=len(lost), hint="other nodes take over; nothing is sent here until then")
        elif self._ownership.held:
            self._watch_lease()

    def _lose(self, lost: Collection[int]) -> None:
        if lost:
            self._forget(lost)
            self._shards.lost(lost)

    def _forget(self, shards: Collection[int]) -> None:
        self._leaving -= frozenset(shards)
        for shard in shards:
            self._arriving.pop(shard, None)

    def _tell_silence(self, error: Exception) -> None:
        if not self._silent:
            self._silent = True
            _log.warning("lease.not_renewed", error=str(error) or "no answer in time")

    # Taking over

    def _arrive(self, gained: Collection[int]) -> None:
        for shard in gained:
            self._arrivals += 1
            self._arriving[shard] = self._arrivals
        if self._arriving and (self._taking is None or self._taking.done()):
            self._taking = asyncio.create_task(self._take_over(), name="take-over of shards")

    async def _take_over(self) -> None:
        """Rescue, then serve; a shard that was lost and gained again meanwhile is rescued again."""
        while self._arriving:
            batch = dict(self._arriving)
            try:
                await self._events.rescue(frozenset(batch))
            except ReelhookError as error:
                _log.warning("shards.not_rescued", error=error.detail)
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            arrived = {shard for shard, arrival in batch.items() if self._arriving.get(shard) == arrival}
            for shard in arrived:
                del self._arriving[shard]
            self._shards.gained(arrived - self._leaving)
            _log.info("shards.gained", count=len(arrived))

    # Giving away

    def _leave(self, surplus: frozenset[int]) -> None:
        """Let surplus come to rest; go on with what is surplus no more."""
        stays = self._leaving - surplus - self._arriving.keys()
        self._leaving = surplus
        self._shards.rest(surplus)
        if stays:
            self._shards.gained(stays)
        if surplus and (self._giving is None or self._giving.done()):
            self._giving = asyncio.create_task(self._give_away(), name="hand-over of shards")

    async def _give_away(self) -> None:
        """Give away what rests; cut off, after a while, what does not come to rest."""
        until = self._clock.now() + round(self._lease.patience * 1000)
        while self._leaving:
            if self._clock.now() >= until:
                until = NEVER
                self._shards.lost(self._leaving)
            if not await self._give(self._shards.at_rest(self._leaving)):
                await asyncio.sleep(_LOOK_SECONDS)

    async def _give(self, shards: frozenset[int]) -> bool:
        if not shards:
            return False
        async with self._calling:
            shards &= self._leaving
            # Whether it is answered or not, they are no longer ours: the next renewal tells of those that still are.
            self._ownership.give(shards)
            self._forget(shards)
            try:
                await asyncio.wait_for(self._members.give(shards), self._third)
            except (ReelhookError, TimeoutError) as error:
                self._tell_silence(error)
                return False
        _log.info("shards.given", count=len(shards))
        return True
