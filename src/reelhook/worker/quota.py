"""Quotas: what all endpoints of one dialect in an app may get together. Pure: the clock is passed in."""

from collections.abc import Callable

from reelhook.model.endpoint import Endpoint, RateLimit
from reelhook.model.quota import Quota
from reelhook.ports import Clock

_TURNS_MS = 200


class FixedWindow:
    """At most `count` attempts in `per` milliseconds; a window begins with the first attempt after the last one's end.

    `sharers` is how many lanes draw from it.
    """

    def __init__(self, count: int, per: int) -> None:
        self._count = count
        self._per = per
        self._begun = 0
        self._reset_at = 0
        self.sharers = 0

    def resize(self, count: int, per: int) -> None:
        """Make it larger or smaller from now on; what has begun counts, and the window that runs ends as planned."""
        self._count = count
        self._per = per

    def free(self, now: int) -> int:
        """Return how many may begin now."""
        return self._count if now >= self._reset_at else max(0, self._count - self._begun)

    def share(self, now: int) -> int:
        """Return how many of the free ones one lane may keep in memory: its part of them, one at least."""
        free = self.free(now)
        return free if free < 2 or self.sharers < 2 else max(1, free // self.sharers)

    def begin(self, now: int, wall: int) -> Quota:
        """Count one that begins now, also where none is free; return how it stands with it."""
        if now >= self._reset_at:
            self._begun = 0
            self._reset_at = now + self._per
        self._begun += 1
        return Quota(self._count, max(0, self._count - self._begun), wall + self._reset_at - now)

    def foretell(self, now: int, wall: int) -> Quota:
        """Return how it would stand if one began now."""
        left = self._reset_at - now if now < self._reset_at else self._per
        return Quota(self._count, max(0, self.free(now) - 1), wall + left)

    def turn_at(self, served_at: int) -> int:
        """Return when a lane may begin again once none is free: at the reset, those that were served lately a moment
        after the others. So lanes take turns where there are more of them than the window has places.
        """
        if self.sharers < 2:
            return self._reset_at
        return self._reset_at + _TURNS_MS // (1 + max(0, self._reset_at - served_at) // self._per)


class Quotas:
    """The windows of all apps. `limit_of(app_id, dialect)` says what an app has; `on_spent` hears of a window in which
    nothing is left.
    """

    def __init__(self, limit_of: Callable[[str, str], RateLimit | None], clock: Clock) -> None:
        self._limit_of = limit_of
        self._clock = clock
        self._windows: dict[tuple[str, str], FixedWindow] = {}
        self.on_spent: Callable[[FixedWindow], None] = lambda _window: None

    def window(self, app_id: str, dialect: str) -> FixedWindow | None:
        """Return the window that an app's endpoints of a dialect draw from, as large as it is by now; None without."""
        limit = self._limit_of(app_id, dialect)
        if limit is None:
            self._windows.pop((app_id, dialect), None)
            return None
        count, per = limit.count, round(limit.per * 1000)
        window = self._windows.get((app_id, dialect))
        if window is None:
            window = self._windows[app_id, dialect] = FixedWindow(count, per)
        else:
            window.resize(count, per)
        return window

    def changed(self, app_id: str) -> None:
        """Take over what an app has by now; the windows of one that is gone are forgotten."""
        for key in [key for key in self._windows if key[0] == app_id]:
            self.window(*key)

    def begin(self, window: FixedWindow, now: int) -> Quota:
        """Count an attempt that begins now."""
        quota = window.begin(now, self._clock.wall())
        if not quota.remaining:
            self.on_spent(window)
        return quota

    def rehearse(self, endpoint: Endpoint, *, counted: bool) -> Quota | None:
        """Return how the quota stands with a test of an endpoint, which waits for nothing but counts, or with a preview
        of one, which does not; None without a quota.
        """
        window = self.window(endpoint.app_id, endpoint.dialect)
        if window is None:
            return None
        now = self._clock.now()
        return self.begin(window, now) if counted else window.foretell(now, self._clock.wall())
