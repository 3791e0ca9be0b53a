"""Shards: what the dispatcher does when endpoints come to this node, or go to another, a shard at a time."""

from collections.abc import Callable, Collection
from typing import Final

import structlog

from reelhook.worker.claims import Claims
from reelhook.worker.lanes import Lane
from reelhook.worker.ownership import LeasedShards
from reelhook.worker.roster import Roster
from reelhook.worker.senders import Senders

_log: Final = structlog.get_logger("reelhook.dispatcher")


class Shards:
    """Begins to send for shards and stops, at once or in order. `regained` opens a lane again; `survey` looks at
    everything that waits.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the dispatcher is the only caller
        self,
        ownership: LeasedShards,
        roster: Roster,
        claims: Claims,
        senders: Senders,
        regained: Callable[[Lane], None],
        survey: Callable[[], None],
    ) -> None:
        self.ownership = ownership
        self._roster = roster
        self._claims = claims
        self._senders = senders
        self._regained = regained
        self._survey = survey

    def gained(self, shards: Collection[int]) -> None:
        """Send for shards from now on: what their last owner left behind is rescued, or they were never given away."""
        self.ownership.serve(shards)
        for lane in self._roster.of(shards):
            self._regained(lane)
        self._survey()

    def lost(self, shards: Collection[int]) -> None:
        """Stop at once: nothing more is begun or written. Nothing is released either; the next owner rescues it."""
        self.ownership.rest(shards)
        lanes = self._roster.of(shards)
        for lane in lanes:
            lane.held = lane.foreign = lane.stale = True
            self._claims.drop(lane)
        cut = self._senders.cut_off_lanes(set(lanes))
        _log.warning("shards.lost", count=len(shards), attempts_cut_off=cut)

    def rest(self, shards: Collection[int]) -> None:
        """Begin nothing more for shards, give back what has not begun, and let what is under way end."""
        self.ownership.rest(shards)
        for lane in self._roster.of(shards):
            if not lane.foreign:
                lane.held = lane.foreign = True
                self._claims.give_back(lane)

    def at_rest(self, shards: Collection[int]) -> frozenset[int]:
        """Return those of some resting shards of which nothing is under way, neither here nor in the store."""
        return frozenset(shards) - {lane.shard for lane in self._roster.of(shards) if not lane.is_at_rest()}

    def renewed(self) -> None:
        """Begin again what the end of the lease had kept from beginning."""
        self._senders.pump()
