"""Outcomes: what an attempt came to goes to the journal, and the lane learns from it."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import structlog

from reelhook.model.attempt import Failure
from reelhook.model.delivery import CLOSED
from reelhook.model.ids import show
from reelhook.ports import Claimed, Clock, Committing, Delivered, Journal
from reelhook.worker.agenda import Agenda
from reelhook.worker.circuit import CircuitState
from reelhook.worker.claims import Claims, error_of
from reelhook.worker.lanes import Lane
from reelhook.worker.limits import Observer
from reelhook.worker.memory import Memory, size_of
from reelhook.worker.permits import Permits

# Plain names, because looking up a member of an enum costs several times as much as comparing it.
_CLOSED: Final = CircuitState.CLOSED
_PREPARE: Final = Failure.PREPARE
_log: Final = structlog.get_logger("reelhook.dispatcher")


class Outcomes:
    """Records results; `waits` hears of what is due again, `pump` is called when results no longer hold others up."""

    def __init__(  # noqa: PLR0913, PLR0917 - the dispatcher is the only caller
        self,
        journal: Journal,
        clock: Clock,
        observer: Observer,
        permits: Permits,
        claims: Claims,
        memory: Memory,
        agenda: Agenda,
        waits: Callable[[Iterable[int], int], None],
        pump: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._journal = journal
        self._clock = clock
        self._observer = observer
        self._permits = permits
        self._claims = claims
        self._memory = memory
        self._agenda = agenda
        self._waits = waits
        self._pump = pump

    def record(self, lane: Lane, claimed: Claimed, delivered: Delivered) -> None:
        """Have a result stored, and learn from it at once."""
        attempt = delivered.completion.attempt
        lane.took(attempt.timing.total, self._clock.now())
        self._permits.unrecorded += 1
        lane.unsettled.add(claimed.id)
        if answered := len(attempt.response_body):
            self._memory.add(lane.app_id, 0, answered)
        recording = self._journal.record(delivered.completion)
        recording.add_done_callback(partial(self._recorded, lane, claimed, delivered))
        self._learn(lane, delivered)

    def _learn(self, lane: Lane, delivered: Delivered) -> None:
        verdict = delivered.verdict
        if delivered.disabled is not None:
            lane.held = True
            self._claims.give_back(lane)
            self._observer.disable(delivered)
        if verdict.failure is _PREPARE:
            return  # it says nothing about the receiver
        if verdict.succeeded or (delivered.completion.attempt.status_code is not None and not verdict.transient):
            # A receiver that answers lives, whatever it answers.
            probed = lane.circuit.state is not _CLOSED
            lane.circuit.succeeded()
            if probed:
                self._agenda.look_at(lane)
        elif lane.circuit.failed(self._clock.now()):
            self._claims.give_back(lane)
            self._observer.circuit_opened(lane.endpoint_id)
            self._agenda.look_at(lane)

    def _recorded(self, lane: Lane, claimed: Claimed, delivered: Delivered, recording: Committing[bool]) -> None:
        if self._permits.recorded():
            self._loop.call_soon(self._pump)
        completion = delivered.completion
        if answered := len(completion.attempt.response_body):
            self._memory.drop(lane.app_id, 0, answered)
        error = error_of(recording)
        if error is not None:
            _log.error("attempt.not_recorded", delivery=show("dlv", completion.delivery_id), error=error)
            self._claims.set_aside(lane, claimed)
            return
        lane.unsettled.discard(claimed.id)
        self._memory.drop(lane.app_id, 0, size_of(claimed))
        if not recording.result():
            _log.warning("claim.lost", delivery=show("dlv", completion.delivery_id))
        self._observer.recorded(delivered)
        if completion.due_at is not None:
            self._waits((lane.endpoint_id,), completion.due_at)
        elif completion.lane is not None and completion.state in CLOSED:
            self._waits((lane.endpoint_id,), self._clock.now())
