"""The system's clocks."""

import time


class SystemClock:
    """Implements `Clock`: scheduling time is monotonic, anchored to wall time once, so that it never jumps."""

    def __init__(self) -> None:
        self._anchor_ns = time.time_ns() - time.monotonic_ns()

    def now(self) -> int:
        """Return scheduling time in ms."""
        return (time.monotonic_ns() + self._anchor_ns) // 1_000_000

    def wall(self) -> int:
        """Return wall time in ms."""
        return time.time_ns() // 1_000_000
