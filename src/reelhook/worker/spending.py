"""Spending: the lanes of a quota that is used up wait in the queue, and hear when their app may send more."""

import asyncio

from reelhook.ports import Clock
from reelhook.worker.agenda import Agenda
from reelhook.worker.claims import Claims
from reelhook.worker.quota import FixedWindow, Quotas
from reelhook.worker.roster import Roster


class Spending:
    """Watches the quotas of all apps."""

    def __init__(self, quotas: Quotas, roster: Roster, claims: Claims, agenda: Agenda, clock: Clock) -> None:
        self._loop = asyncio.get_running_loop()
        self._roster = roster
        self._claims = claims
        self._agenda = agenda
        self._clock = clock
        quotas.on_spent = self._spent

    def app_changed(self, app_id: str) -> None:
        """Take over what an app may send by now: what waited for less may go, what is over it waits."""
        for lane in self._roster.app_changed(app_id):
            if lane.is_spent(self._clock.now()):
                self._claims.give_back(lane)
            self._agenda.look_at(lane)

    def _spent(self, window: FixedWindow) -> None:
        self._loop.call_soon(self._hold_back, window)

    def _hold_back(self, window: FixedWindow) -> None:
        """Where nothing is left of a quota, let what is ready wait in the queue, where everybody can see it."""
        if window.free(self._clock.now()):
            return
        for lane in self._roster.sharing(window):
            self._claims.give_back(lane)
            self._agenda.look_at(lane)
