"""Recall: what was sent to an endpoint before this process sends for it, so that its rate limit and circuit go on."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import structlog

from reelhook.model.attempt import Failure, is_transient
from reelhook.model.endpoint import Endpoint
from reelhook.model.ids import show
from reelhook.ports import Clock, History, PastAttempt
from reelhook.worker.circuit import Circuit
from reelhook.worker.claims import error_of
from reelhook.worker.lanes import Lane
from reelhook.worker.limits import Limits

_CIRCUIT_MS: Final = 600_000
"""An endpoint that failed longer ago is probed at once anyhow."""
_PROBES: Final = 8
"""So many failures beyond those that open a circuit tell how long its pause has become."""
_AGAIN_SECONDS: Final = 1.0
_UNTOLD: Final = (Failure.PREPARE, Failure.INTERRUPTED)
"""Failures that say nothing about the receiver."""
_log = structlog.get_logger("reelhook.dispatcher")


class Recall:
    """Reads the history of a lane before anything is sent from it; `recalled` is told when that is done.

    It is read for endpoints with a rate limit, and for those that are `failing`: all others have none that matters.
    """

    def __init__(
        self,
        history: History | None,
        clock: Clock,
        limits: Limits,
        failing: Callable[[int], bool],
        recalled: Callable[[Lane], None],
    ) -> None:
        self._history = history
        self._clock = clock
        self._circuit = limits.circuit
        self._failing = failing
        self._recalled = recalled

    def begin(self, lane: Lane, endpoint: Endpoint) -> None:
        """Hold a lane until its history is known, where it matters."""
        if self._history is not None and (endpoint.rate_limit is not None or self._failing(endpoint.id)):
            lane.recalling = lane.held = True
            self._read(lane, endpoint, self._history)

    def _read(self, lane: Lane, endpoint: Endpoint, history: History) -> None:
        rate = endpoint.rate_limit
        count, per = (0, 0) if rate is None else (rate.count, round(rate.per * 1000))
        since = self._clock.wall() - max(per, _CIRCUIT_MS)
        limit = max(count, self._circuit.failures + _PROBES)
        reading = asyncio.ensure_future(history.recent(lane.endpoint_id, since, limit))
        reading.add_done_callback(partial(self._done, lane, endpoint, history))

    def _done(
        self, lane: Lane, endpoint: Endpoint, history: History, reading: "asyncio.Future[Sequence[PastAttempt]]"
    ) -> None:
        error = error_of(reading)
        if error is not None and lane.foreign:
            lane.recalling = False
        elif error is not None:
            _log.error("recall.failed", endpoint=show("ep", lane.endpoint_id), error=error)
            asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._read, lane, endpoint, history)
        else:
            recall(lane, reading.result(), self._clock.now())
            lane.recalling = False
            self._recalled(lane)


def recall(lane: Lane, attempts: Sequence[PastAttempt], now: int) -> None:
    """Put a lane into the state that these attempts, oldest first, would have left it in."""
    if lane.rate is not None:
        lane.rate.recall(sorted(min(now, one.at - round(one.duration_ms)) for one in attempts))
    for one in attempts:
        _relive(lane.circuit, one, min(now, one.at))


def _relive(circuit: Circuit, one: PastAttempt, at: int) -> None:
    if one.failure in _UNTOLD:
        return
    if one.failure is None or (one.status_code is not None and not is_transient(one.failure, one.status_code)):
        circuit.succeeded()
    elif circuit.allows(at):
        circuit.failed(at)
