"""The circuit breaker of one endpoint. Pure: the clock is passed in, in milliseconds."""

from collections import Counter
from enum import StrEnum
from typing import Final, NamedTuple


class CircuitState(StrEnum):
    """Whether an endpoint is sent to: closed yes, open not for now, probing one at a time."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


# Plain names, because looking up a member of an enum costs several times as much as comparing it.
_CLOSED: Final = CircuitState.CLOSED
_OPEN: Final = CircuitState.OPEN
_PROBING: Final = CircuitState.PROBING


class CircuitRule(NamedTuple):
    """So many transient failures in a row open it; the pause (ms) doubles with each failed probe, up to `longest`."""

    failures: int
    pause: int
    longest: int


class Circuit:
    """The breaker of one endpoint: while it is open nothing is claimed, and nothing is wasted on a dead receiver.

    `tally` counts the circuits of all endpoints that are not closed, by state.
    """

    def __init__(self, rule: CircuitRule, tally: Counter[CircuitState] | None = None) -> None:
        self._rule = rule
        self._tally: Counter[CircuitState] = Counter() if tally is None else tally
        self._failures = 0
        self._pause = rule.pause
        self.state = _CLOSED
        self.until = 0

    def succeeded(self) -> None:
        """The receiver lives."""
        self._failures = 0
        self._pause = self._rule.pause
        if self.state is not _CLOSED:
            self._become(_CLOSED)

    def failed(self, now: int) -> bool:
        """A transient failure; return whether the circuit opened because of it."""
        self._failures += 1
        if self.state is _OPEN or (self.state is _CLOSED and self._failures < self._rule.failures):
            return False
        if self.state is _PROBING:
            self._pause = min(self._pause * 2, self._rule.longest)
        self._become(_OPEN)
        self.until = now + self._pause
        return True

    def allows(self, now: int) -> bool:
        """Tell whether anything may be sent; an open circuit whose pause is over begins to probe."""
        if self.state is _OPEN and now >= self.until:
            self._become(_PROBING)
        return self.state is not _OPEN

    def _become(self, state: CircuitState) -> None:
        for which, change in ((self.state, -1), (state, 1)):
            if which is not _CLOSED:
                self._tally[which] += change
        self.state = state
