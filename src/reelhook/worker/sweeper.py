"""The sweeper: finds what is `sending` for this node's endpoints, though nobody sends it."""

from collections.abc import Awaitable, Callable, Collection
from typing import ClassVar, Final

from reelhook.ports import Clock, Orphans
from reelhook.telemetry import Metrics
from reelhook.worker.loop import Loop
from reelhook.worker.ownership import LeasedShards

_REST: Final = 30.0
_OLD_MS: Final = 60_000
"""Older than this is no claim whose commit is only late, and no event that another node is about to hand over here."""


class Sweeper(Loop):
    """Has such deliveries rescued: those that a node claimed or accepted in the moment in which it lost their shard."""

    name: ClassVar[str] = "sweeper"

    def __init__(
        self,
        ownership: LeasedShards,
        in_hand: Callable[[], Collection[int]],
        rescue: Callable[[Orphans], Awaitable[object]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        super().__init__(metrics)
        self._ownership = ownership
        self._in_hand = in_hand
        self._rescue = rescue
        self._clock = clock

    async def turn(self) -> float:
        """Look once."""
        shards = self._ownership.served
        if shards:
            old = self._clock.now() - _OLD_MS
            await self._rescue(Orphans(shards, self._in_hand(), old, self._ownership.epochs(shards)))
        return _REST
