"""Streaks of failures: when the owner of an endpoint is told that it fails, and that it works again. Pure."""

from typing import Final

import msgspec

HOUR_MS: Final = 3_600_000
ATTEMPTS: Final = 5
"""An endpoint is failing after so many failed attempts in a row, or after an hour of nothing else."""


class Streak(msgspec.Struct, gc=False):
    """The failed attempts of one endpoint since its last success; `since` is the first one's time (ms)."""

    since: int
    failures: int = 0
    told: bool = False


class Streaks:
    """Follows the endpoints that fail. Those that succeed cost a look into an empty dictionary.

    The owner hears of an endpoint once in a streak and once in an hour, however often it comes and goes.
    """

    def __init__(self) -> None:
        self._streaks: dict[int, Streak] = {}
        self._told_at: dict[int, int] = {}

    def remember(self, endpoint_id: int, since: int, told_at: int | None) -> None:
        """Take over what was known before a restart."""
        self._streaks[endpoint_id] = Streak(since, ATTEMPTS - 1, told_at is not None and told_at >= since)
        if told_at is not None:
            self._told_at[endpoint_id] = told_at

    def failed(self, endpoint_id: int, at: int) -> Streak | None:
        """Count a failed attempt; return the streak when the owner is to be told of it now."""
        streak = self._streaks.get(endpoint_id)
        if streak is None:
            streak = self._streaks[endpoint_id] = Streak(at)
        streak.failures += 1
        if streak.told or (streak.failures < ATTEMPTS and at - streak.since < HOUR_MS):
            return None
        if at - self._told_at.get(endpoint_id, at - HOUR_MS) < HOUR_MS:
            return None
        streak.told = True
        self._forget_old(at)
        self._told_at[endpoint_id] = at
        return streak

    def succeeded(self, endpoint_id: int) -> Streak | None:
        """End the streak; return it when the owner had been told of it."""
        streak = self._streaks.pop(endpoint_id, None)
        return streak if streak is not None and streak.told else None

    def forget(self, endpoint_id: int) -> None:
        """Begin anew: the endpoint was enabled again, or is gone."""
        self._streaks.pop(endpoint_id, None)

    def __contains__(self, endpoint_id: int) -> bool:
        return endpoint_id in self._streaks

    def _forget_old(self, now: int) -> None:
        if len(self._told_at) > 2 * len(self._streaks):
            self._told_at = {known: at for known, at in self._told_at.items() if now - at < HOUR_MS}
