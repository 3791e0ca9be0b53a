"""The shape of what is loaded: endpoints, retries that wait, and attempts in the log, as days of work leave them.

History: events of the last ten days, each with ten deliveries and as many attempts, all long done. Retries: one event
each of the last three days, with four attempts that failed. Some retries are due now, for five endpoints, so that
claims can be made; all others within the next day, over all other endpoints.
"""

import time
from typing import Final, NamedTuple

from reelhook.model import ids

DAY_MS: Final = 86_400_000
DAYS: Final = 10
RETRY_DAYS: Final = 3
FAN_OUT: Final = 10
TRIES: Final = 4
"""Attempts that each waiting retry has had."""
CLAIMED: Final = 5
"""Endpoints that something is due for when claims are measured, the first ones; and how much for each."""
BATCH: Final = 100
DRAINED: Final = 90
"""The next so many endpoints have a backlog when the program is started; and how much all of them together."""
BACKLOG: Final = 20_000


class Step(NamedTuple):
    """One size."""

    endpoints: int
    retries: int
    attempts: int

    @property
    def history(self) -> int:
        """Events of the past, in each of the days."""
        return max(0, self.attempts - TRIES * self.retries) // FAN_OUT // DAYS

    def __str__(self) -> str:
        return f"{self.endpoints:,} endpoints, {self.retries:,} retries, {self.attempts:,} attempts"


STEPS: Final = (
    Step(100, 1_000, 10_000),
    Step(10_000, 1_000, 10_000),
    Step(10_000, 100_000, 1_000_000),
    Step(10_000, 1_000_000, 10_000_000),
)
"""First more endpoints, then more of everything else: what grows with which can be told apart."""


class Day(NamedTuple):
    """One day of a step, as parameters of the statements that fill it. `now` is when everything due is due."""

    low: int
    high: int
    first_ms: int
    events: int
    events_apart: int
    retries: int
    retries_apart: int
    retries_before: int
    endpoints: int
    first_endpoint: int
    now: int


def days(step: Step, first_endpoint: int) -> list[Day]:
    """Cut a step into its days, the oldest first; they end with yesterday (UTC)."""
    now = int(time.time() * 1000)
    made: list[Day] = []
    for number in range(DAYS):
        start = (now // DAY_MS - DAYS + number) * DAY_MS
        share, rest = divmod(step.retries, RETRY_DAYS) if number >= DAYS - RETRY_DAYS else (0, 0)
        retries = share + (rest if number == DAYS - 1 else 0)
        made.append(
            Day(
                low=ids.id_at(start),
                high=ids.id_at(start + DAY_MS),
                first_ms=start - ids.EPOCH_MS,
                events=step.history,
                events_apart=DAY_MS // max(1, step.history),
                retries=retries,
                retries_apart=DAY_MS // 2 // max(1, retries),
                retries_before=sum(day.retries for day in made),
                endpoints=step.endpoints,
                first_endpoint=first_endpoint,
                now=now,
            )
        )
    return made
