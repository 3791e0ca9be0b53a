"""The writer thread."""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from reelhook.store.operation import Outcome


class ThreadRunner:
    """The writer thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[Any] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], list[Outcome]], done: Callable[[list[Outcome]], None]) -> None:
        """Hand the job to the thread."""
        self._jobs.put((job, done))

    def stop(self) -> None:
        """Let the thread finish its work and end."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, done = item
            outcome = job()
            self._loop.call_soon_threadsafe(done, outcome)
