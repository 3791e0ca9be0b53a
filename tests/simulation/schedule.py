"""The schedule read from outside: which step of its schedule each attempt was, and what must follow. The rules of the
contract, written once more, so that the checker does not believe the code that it checks.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.simulation.account import AttemptRow
from tests.simulation.dialects import dialect_of
from tests.simulation.evidence import INTERRUPTED, NOT_SENT, Course
from tests.simulation.ledger import Exchange

from reelhook.model.endpoint import Endpoint, ExponentialRetry, FixedRetry, ScheduleRetry

AGAIN = frozenset({"resend", "recover", "replay"})
"""Triggers that begin a schedule anew."""
_INTERRUPTIONS = 5
_TRANSIENT = frozenset({"timeout", "connection_refused", "connection_reset", INTERRUPTED})


class Reading(NamedTuple):
    """An attempt, its exchange, how many steps of the schedule are done with it, and whether it was one of them: of
    interruptions only each fifth in a row is. Not certain: the schedule may have begun anew without our knowing.
    """

    attempt: AttemptRow
    exchange: Exchange | None
    step: int
    counts: bool
    certain: bool

    @property
    def interrupted(self) -> bool:
        return self.attempt.failure == INTERRUPTED


def readings(course: Course) -> Iterator[Reading]:
    """Follow the schedule of a delivery through its attempts."""
    step, rescues, certain = 0, 0, True
    before: AttemptRow | None = None
    for attempt, exchange in course.steps:
        if attempt.trigger in AGAIN:
            same = before is not None and before.failure == INTERRUPTED and before.trigger == attempt.trigger
            if not same:
                step, rescues, certain = 0, 0, True
            elif sum(order.kind != "cancel" for order in course.orders) > 1:
                certain = False
        counts = attempt.failure != INTERRUPTED or rescues + 1 == _INTERRUPTIONS
        step, rescues = (step + 1, 0) if counts else (step, rescues + 1)
        yield Reading(attempt, exchange, step, counts, certain)
        before = attempt


def wait_after(reading: Reading, endpoint: Endpoint) -> float | None:
    """Return how long (s) must be waited after an attempt; None when no other may follow by itself."""
    attempt, exchange = reading.attempt, reading.exchange
    if attempt.succeeded or attempt.failure == NOT_SENT:
        return None
    if not _passes(attempt) and not dialect_of(endpoint.dialect).defaults.retries_non_transient:
        return None
    own = _own_wait(endpoint, reading.step)
    # What was answered to an attempt that was cut short, nobody heard.
    asked = exchange.retry_after if exchange is not None and not reading.interrupted else None
    return None if own is None else max(own, asked or 0.0)


def disables(exchange: Exchange, dialect: str) -> bool:
    """Tell whether this answer disables an endpoint of the dialect at once."""
    if exchange.ended is None or exchange.status is None:
        return False
    rule = dialect_of(dialect).defaults.disable
    final = not 200 <= exchange.status < 300 and exchange.status not in (408, 429) and exchange.status < 500
    return (rule.gone and exchange.status == 410) or (rule.non_transient and final)


def _passes(attempt: AttemptRow) -> bool:
    status = attempt.status_code
    return attempt.failure in _TRANSIENT or (status is not None and (status in (408, 429) or status >= 500))


def _own_wait(endpoint: Endpoint, step: int) -> float | None:
    policy = endpoint.retry or dialect_of(endpoint.dialect).defaults.retry
    if isinstance(policy, ScheduleRetry):
        return dict(enumerate(policy.delays, 1)).get(step)
    if isinstance(policy, FixedRetry):
        return policy.delay if step <= policy.retries else None
    assert isinstance(policy, ExponentialRetry)
    return min(policy.base * 2 ** (step - 1), policy.maximum) if step <= policy.retries else None
