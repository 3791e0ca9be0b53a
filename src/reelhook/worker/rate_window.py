"""The rate limit of one endpoint. Pure: the clock is passed in, in milliseconds."""

from collections import deque
from collections.abc import Iterable, Sequence


class RateWindow:
    """At most `count` attempts in any `per` milliseconds, exactly: it remembers when the last `count` began.

    `before` is the window that this one follows on: a change of the endpoint does not forget what was sent just now.
    """

    def __init__(self, count: int, per: int, before: "RateWindow | None" = None) -> None:
        self._per = per
        self._begun: deque[int] = deque(before.begun() if before else (), maxlen=count)
        self._count = count

    def recall(self, begun: Iterable[int]) -> None:
        """Count what another process began, oldest first, in the place of what was counted here."""
        self._begun.clear()
        self._begun.extend(begun)

    def free(self, now: int) -> int:
        """Return how many may begin now."""
        while self._begun and self._begun[0] <= now - self._per:
            self._begun.popleft()
        return self._count - len(self._begun)

    def begin(self, now: int) -> None:
        """Count one that begins now."""
        self._begun.append(now)

    def begun(self) -> Sequence[int]:
        """Return when the last ones began, oldest first."""
        return self._begun

    def next_at(self) -> int:
        """Return when the next one may begin, once none is free."""
        return self._begun[0] + self._per if self._begun else 0
