"""Permits: how many attempts are under way, and which delivery gets the next one."""

from typing import Final

from reelhook.ports import Claimed
from reelhook.worker.agenda import Agenda
from reelhook.worker.lanes import Lane
from reelhook.worker.limits import Limits
from reelhook.worker.memory import Memory
from reelhook.worker.ownership import Ownership
from reelhook.worker.quota import Quotas
from reelhook.worker.ring import Ring
from reelhook.worker.scarcity import Scarcity

_MOST_UNRECORDED: Final = 4096
"""While so many results wait to be stored, nothing new is begun: they are what a crash would make uncertain."""
_SCARCE: Final = 0.75
_DIRE: Final = 0.9
"""From these shares of all permits on, the rest is kept for endpoints that give theirs back soon."""
# Plain names, because looking up a member of an enum costs several times as much as comparing it.
_ENOUGH: Final = Scarcity.NONE
_SOME: Final = Scarcity.SOME
_NEARLY_NONE: Final = Scarcity.DIRE


class Permits:
    """Gives them out in turns.

    `running` says whether anything may begin at all; `starving`, that some lane got nothing while they were scarce.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the dispatcher is the only caller
        self, limits: Limits, ring: Ring, memory: Memory, quotas: Quotas, agenda: Agenda, ownership: Ownership
    ) -> None:
        self._most = limits.in_flight
        self._scarce_from = _SCARCE * limits.in_flight
        self._dire_from = _DIRE * limits.in_flight
        self._ring = ring
        self._memory = memory
        self._quotas = quotas
        self._agenda = agenda
        self._ownership = ownership
        self.starving = False
        self.running = False
        self.in_flight = 0
        self.unrecorded = 0

    def stopped(self, now: int) -> bool:
        """Tell whether nothing may begin, whatever it is."""
        return not self.running or self.unrecorded >= _MOST_UNRECORDED or now >= self._ownership.until

    def begin(self, now: int) -> tuple[Lane, Claimed] | None:
        """Take the delivery whose turn it is, with the permit to send it; None when none may begin now."""
        if self.in_flight >= self._most or self.unrecorded >= _MOST_UNRECORDED or now >= self._ownership.until:
            return None
        scarcity = _ENOUGH if self.in_flight < self._scarce_from else self._scarcity()
        lane = self._ring.next(now, scarcity)
        if lane is None:
            self.starving = self.starving or scarcity is not _ENOUGH
            return None
        claimed = lane.ready.popleft()
        self._memory.drop(lane.app_id, 1, 0)
        if not lane.in_flight:
            lane.moved_at = now
        lane.in_flight += 1
        self.in_flight += 1
        if lane.rate is not None:
            lane.rate.begin(now)
            self._agenda.look_at(lane)
        if lane.quota is not None:
            claimed.quota = self._quotas.begin(lane.quota, now)
        self._ring.begun(lane)
        return lane, claimed

    def end(self, lane: Lane) -> None:
        """Take a permit back."""
        lane.in_flight -= 1
        self.in_flight -= 1
        self._ring.ended(lane)

    def relieve(self) -> None:
        """Let one that starves take part again, once permits are less scarce."""
        if self._scarcity() is not _NEARLY_NONE:
            self._ring.revive()
            self.starving = self._scarcity() is _SOME

    def recorded(self) -> bool:
        """Count a result that is stored; tell whether that is what the others have waited for."""
        self.unrecorded -= 1
        return self.unrecorded == _MOST_UNRECORDED - 1

    def _scarcity(self) -> Scarcity:
        if self.in_flight < self._scarce_from:
            return _ENOUGH
        return _SOME if self.in_flight < self._dire_from else _NEARLY_NONE
