"""Openings: a lane is opened when something is to be sent to its endpoint, and follows the endpoint from then on."""

import asyncio
from collections.abc import Callable

from reelhook.model.endpoint import Endpoint
from reelhook.ports import Clock, Queue
from reelhook.worker.agenda import Agenda
from reelhook.worker.claims import Claims, error_of
from reelhook.worker.lanes import Lane
from reelhook.worker.limits import Limits, Others
from reelhook.worker.recall import Recall
from reelhook.worker.roster import Roster


class Openings:
    """Opens lanes, for endpoints of this node only, and looks for those that nobody told of."""

    def __init__(  # noqa: PLR0913, PLR0917 - the dispatcher is the only caller
        self,
        queue: Queue,
        clock: Clock,
        endpoint_of: Callable[[int], Endpoint | None],
        limits: Limits,
        roster: Roster,
        claims: Claims,
        agenda: Agenda,
        others: Others,
    ) -> None:
        self._queue = queue
        self._endpoint_of = endpoint_of
        self._roster = roster
        self._lanes = roster.lanes
        self._claims = claims
        self._agenda = agenda
        self._ownership = others.ownership
        self._surveying = self._survey_again = False
        self._recall = Recall(others.history, clock, limits, others.failing, self._recalled)

    def lane(self, endpoint_id: int) -> Lane | None:
        """Return the lane of an endpoint; None when nobody knows it, or another node sends for it."""
        lane = self._lanes.get(endpoint_id)
        if lane is None:
            endpoint = self._endpoint_of(endpoint_id)
            if endpoint is None or not self._ownership.owns(endpoint_id):
                return None
            lane = self._open(endpoint)
            self._claims.refresh(lane)
        return lane

    def note(self, endpoint_id: int, due_at: int) -> bool:
        """Have a lane looked at when something is due for it; tell whether that is for us to do."""
        lane = self.lane(endpoint_id)
        if lane is None or lane.foreign:
            return False
        lane.told = min(lane.told, due_at)
        if due_at < lane.next_due:
            lane.next_due = due_at
            self._agenda.look_at(lane)
        return True

    def survey(self) -> None:
        """Look at everything that waits for us, and keep no lane whose endpoint is gone, or another node's; one survey
        at a time.
        """
        for lane in self._roster.useless():
            self._claims.forget(lane)
            self._roster.close(lane)
        shards = self._ownership.served
        self._survey_again = self._surveying
        if self._surveying or (shards is not None and not shards):
            return
        waiting = self._queue.waiting(shards)
        if isinstance(waiting, dict):
            self._surveyed(waiting)
        else:
            self._surveying = True
            asyncio.ensure_future(waiting).add_done_callback(self._survey_read)

    def changed(self, endpoint: Endpoint) -> None:
        """Take over a new version of an endpoint: its limits now, its state now."""
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            if not self._ownership.owns(endpoint.id):
                return
            lane = self._open(endpoint)
        self._configure(lane, endpoint)

    def regained(self, lane: Lane) -> None:
        """Open a lane again that was foreign."""
        lane.foreign = False
        endpoint = self._endpoint_of(lane.endpoint_id)
        if endpoint is None:
            return
        if lane.stale:
            lane.stale = False
            lane.circuit.succeeded()
            self._recall.begin(lane, endpoint)
        self._configure(lane, endpoint)

    def _open(self, endpoint: Endpoint) -> Lane:
        lane = self._roster.open(endpoint)
        self._recall.begin(lane, endpoint)
        return lane

    def _configure(self, lane: Lane, endpoint: Endpoint) -> None:
        self._roster.configure(lane, endpoint)
        if lane.held:
            self._claims.give_back(lane)
        else:
            self._claims.refresh(lane)

    def _recalled(self, lane: Lane) -> None:
        endpoint = self._endpoint_of(lane.endpoint_id)
        if endpoint is not None and self._lanes.get(lane.endpoint_id) is lane:
            self._configure(lane, endpoint)

    def _survey_read(self, future: "asyncio.Future[dict[int, int]]") -> None:
        self._surveying = False
        # A survey that fails says nothing; the next one is soon, and claims tell what is wrong with the store.
        if error_of(future) is None:
            self._surveyed(future.result())
            if self._survey_again:  # what was asked for meanwhile may be for other shards, or of later
                self.survey()

    def _surveyed(self, waiting: dict[int, int]) -> None:
        for endpoint_id, due_at in waiting.items():
            self.note(endpoint_id, due_at)
