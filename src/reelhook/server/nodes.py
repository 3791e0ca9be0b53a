"""Nodes: this process among those that share its database, each of which sends for some of the endpoints."""

from collections.abc import Awaitable, Callable, Collection

import structlog

from reelhook.model.ids import IdSource
from reelhook.ports import Clock, Members, Orphans
from reelhook.telemetry import Metrics
from reelhook.worker.dispatcher import Dispatcher
from reelhook.worker.keeper import Events, Keeper, Lease
from reelhook.worker.loop import Loop
from reelhook.worker.sweeper import Sweeper

_log = structlog.get_logger("reelhook.nodes")
SURVEY_SECONDS = 1.0
"""How often a node looks for what others accepted for its endpoints: nobody must tell it, so nobody does for sure."""


def hear(dispatcher: Dispatcher, endpoint_ids: Collection[int] | None) -> None:
    """Take a hint from another node: what is due for which endpoints, or for more than it could name."""
    if endpoint_ids is None:
        dispatcher.survey()
    else:
        dispatcher.hinted(endpoint_ids)


class Nodes:
    """Makes the background work of a node that is one of many.

    `rescue` frees deliveries that nobody sends any more, `learn` reads how the endpoints of some shards have fared.
    """

    def __init__(self, members: Members, lease: Lease, ids: IdSource) -> None:
        self._members = members
        self._lease = lease
        self._ids = ids
        self.ownership = lease.shards()

    def loops(
        self,
        dispatcher: Dispatcher,
        rescue: Callable[[Orphans], Awaitable[int]],
        learn: Callable[[Collection[int]], Awaitable[None]],
        clock: Clock,
        metrics: Metrics,
    ) -> tuple[Keeper, list[Loop]]:
        """Return the keeper, and all loops with it."""

        async def take_over(shards: Collection[int]) -> None:
            await learn(shards)
            epochs = self.ownership.epochs(shards)
            rescued = await rescue(Orphans(epochs, dispatcher.in_hand(), epochs=epochs))
            if rescued:
                _log.warning(
                    "deliveries.rescued", count=rescued, hint="the last owner ended while these were being sent"
                )

        events = Events(take_over, self._ids.renumber)
        keeper = Keeper(self._members, dispatcher.shards(self.ownership), clock, metrics, self._lease, events)
        return keeper, [keeper, Sweeper(self.ownership, dispatcher.in_hand, rescue, clock, metrics)]
