"""The disk: commits take a while before and after they happen, the disk may be full, and it may break."""

import random
from collections.abc import Callable
from typing import Any, Final

from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualLoop

from reelhook.errors import StorageFull
from reelhook.store.commit import GroupCommit
from reelhook.store.operation import Outcome, WriterFailed

REFUSES: Final = "disk.refuses"


class Disk:
    """One disk for all lives of the process. `passed` is told of every step, so that a crash can fall there."""

    def __init__(self, dice: random.Random, trace: Trace, slowest: float) -> None:
        self._dice = dice
        self._trace = trace
        self._slowest = slowest
        self.full = False
        self.breaks: str | None = None
        self.passed = lambda _step: None

    def latency(self) -> float:
        """Return a part of a commit's duration (s): mostly short, now and then long."""
        if self._dice.random() < 0.03:
            return self._dice.uniform(0.0, self._slowest)
        return self._dice.uniform(0.0001, 0.003)

    def attach(self, commit: GroupCommit) -> None:
        """Let the commits of a store meet this disk's fate."""
        apply = commit._apply

        def fateful(batch: list[Any], opening: Any) -> list[Any]:
            if self.full:
                self._trace.add(REFUSES, why="full")
                raise StorageFull("the simulated disk is full")
            if self.breaks == "before":
                self._trace.add(REFUSES, why="broken")
                raise WriterFailed("simulated I/O error before the commit")
            results = apply(batch, opening)
            if self.breaks == "after":
                self._trace.add(REFUSES, why="broken")
                raise WriterFailed("simulated I/O error after the commit")
            return results

        commit._apply = fateful


class VirtualRunner:
    """Implements `Runner` inside a virtual loop: the commit happens at one moment, and is announced at a later one."""

    def __init__(self, disk: Disk, trace: Trace, loop: VirtualLoop) -> None:
        self._disk = disk
        self._trace = trace
        self._loop = loop

    def run(self, job: Callable[[], list[Outcome]], done: Callable[[list[Outcome]], None]) -> None:
        self._loop.call_later(self._disk.latency(), self._commit, job, done)

    def stop(self) -> None:
        """Nothing is running."""

    def _commit(self, job: Callable[[], list[Outcome]], done: Callable[[list[Outcome]], None]) -> None:
        self._disk.passed("before the commit")
        if self._loop.killed:
            return
        outcomes = job()
        errors = sorted({type(error).__name__ for _, error in outcomes if error is not None})
        self._trace.add("commit", operations=len(outcomes), errors=" ".join(errors))
        self._disk.passed("after the commit")
        self._loop.call_later(self._disk.latency(), done, outcomes)
