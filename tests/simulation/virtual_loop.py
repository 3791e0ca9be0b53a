"""An event loop whose time is virtual: when nothing is ready it jumps to the next timer. One thread, no sockets."""

import asyncio
from asyncio import base_events


class _Selector:
    """Stands where a real loop waits for sockets: waiting is a jump of the clock."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[object]:
        if timeout is None:
            raise Stalled("nothing is ready and no timer is set: somebody waits for what never comes")
        self._loop.virtual_time += max(0.0, timeout)
        return []


class Stalled(RuntimeError):
    """The simulated world came to a halt while somebody still waited."""


class VirtualLoop(base_events.BaseEventLoop):
    """`time()` starts at `start` seconds and moves only by jumps, so days pass in milliseconds, always the same way."""

    def __init__(self, start: float = 0.0) -> None:
        self.virtual_time = start
        super().__init__()
        self._selector = _Selector(self)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self.virtual_time

    def _process_events(self, event_list: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody else is in another thread to be woken by."""

    def _make_self_pipe(self) -> None:
        """None needed."""


class VirtualClock:
    """Implements `Clock` over a virtual loop; `skew` (ms) moves wall time alone, as an administrator's hand would."""

    def __init__(self, loop: VirtualLoop, epoch_ms: int) -> None:
        self._loop = loop
        self._epoch_ms = epoch_ms
        self.skew = 0

    def now(self) -> int:
        return self._epoch_ms + round(self._loop.virtual_time * 1000)

    def wall(self) -> int:
        return self.now() + self.skew


def run(loop: VirtualLoop, main: "asyncio.Future[object] | object") -> object:
    """Run until the coroutine is done."""
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)  # type: ignore[arg-type]
    finally:
        asyncio.set_event_loop(None)
