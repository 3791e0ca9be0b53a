"""Retry: when the next attempt is due, and when there is none."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from reelhook.model.endpoint import ExponentialRetry, FixedRetry, Retry, ScheduleRetry

LONGEST_RETRY_AFTER: Final = 24 * 3600.0
"""A receiver may put us off for a day (s) at most, whatever it asks for."""

_SECONDS: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")
_MOST_DIGITS: Final = 12


def own_wait(policy: Retry, step: int) -> float | None:
    """Return the policy's wait (s) after attempt number `step` (1, 2, …) of the schedule; None after the last.

    Raises:
        ValueError: `step` is not 1 or more.
    """
    if step < 1:
        raise ValueError(f"a schedule is asked after its first attempt, not after {step}")
    match policy:
        case ScheduleRetry(delays=delays):
            return delays[step - 1] if step <= len(delays) else None
        case FixedRetry(retries=retries, delay=delay):
            return delay if step <= retries else None
        case ExponentialRetry(retries=retries, base=base, maximum=maximum):
            # The exponent is bounded so that no number of retries can overflow a double.
            return min(base * 2.0 ** min(step - 1, 60), maximum) if step <= retries else None


def next_wait(policy: Retry, step: int, asked: float, share: float, jitter: float) -> float | None:
    """Return how many seconds after the end of this attempt the next one is due; None when the policy is used up.

    `step` counts the attempts made since the schedule (re)started, this one included; `asked` is what `asked_wait`
    says. The wait is the longer of the policy's and the receiver's, and jitter (a random number from 0 to 1, of the
    dialect's `share`) only adds to it: nothing is sent before it is due. Fixed waits have no jitter: they promise the
    seconds that they say.
    """
    own = own_wait(policy, step)
    if own is None:
        return None
    wait = max(own, asked)
    return wait if isinstance(policy, FixedRetry) else wait * (1 + share * jitter)


def asked_wait(values: Sequence[str], now: int) -> float:
    """Return how long a receiver asks us to wait (s, RFC 9110 §10.2.3), at most a day; 0 when it does not.

    What cannot be read is ignored; of several headers, which the RFC does not allow, the longest wait counts.
    """
    waits = (_asked(value.strip(), now) for value in values)
    return min(max(waits, default=0.0), LONGEST_RETRY_AFTER)


def _asked(value: str, now: int) -> float:
    if _SECONDS.match(value):
        whole = value.partition(".")[0]
        return float(value) if len(whole) <= _MOST_DIGITS else LONGEST_RETRY_AFTER
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError, IndexError):
        return 0.0
    if moment.tzinfo is None:  # asctime's form names no zone; HTTP dates are UTC
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now / 1000, UTC)).total_seconds())
