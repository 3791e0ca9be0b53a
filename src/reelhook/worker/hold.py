"""The hold: looks every second whether the installation is on hold; only when it is not does the dispatcher begin."""

from typing import ClassVar, Final

import structlog

from reelhook.errors import Unavailable
from reelhook.model.instant import show_time
from reelhook.ports import Clock, Upkeep
from reelhook.telemetry import Metrics
from reelhook.worker.dispatcher import Dispatcher
from reelhook.worker.loop import Loop

_REST: Final = 1.0
_log: Final = structlog.get_logger("reelhook")


class Hold(Loop):
    """Starts the dispatcher, suspends it, and lets it go on. `since` (ms) is None while deliveries are sent."""

    name: ClassVar[str] = "hold"

    def __init__(self, upkeep: Upkeep, dispatcher: Dispatcher, clock: Clock, metrics: Metrics) -> None:
        super().__init__(metrics)
        self._upkeep = upkeep
        self._dispatcher = dispatcher
        self._clock = clock
        self._started = False
        self.since: int | None = None

    async def turn(self) -> float:
        """Look, and act on what has changed; a database that cannot be asked now is asked again as soon as ever."""
        try:
            since = await self._upkeep.held_since()
        except Unavailable:
            if not self._started:
                raise
            return _REST
        if not self._started or (since is None) is not (self.since is None):
            self._act(since)
        self.since = since
        self._metrics.held_seconds = 0.0 if since is None else max(0, self._clock.wall() - since) / 1000
        return _REST

    def _act(self, since: int | None) -> None:
        if since is not None:
            self._dispatcher.suspend()
            _log.warning("installation.held", since=show_time(since), hint="nothing is sent until `reelhook release`")
        else:
            self._dispatcher.start()
            if self._started:
                _log.info("installation.released")
        self._started = True
