"""A hand of the bench: a child process that is told what to do over a pipe."""

import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

SPAWN: Final = multiprocessing.get_context("spawn")


class Hand:
    """A child process that answers over a pipe."""

    def __init__(self, target: Any, *arguments: Any) -> None:
        self._pipe: Connection
        self._pipe, theirs = SPAWN.Pipe()
        self.process: BaseProcess = SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        if self.process.pid is None:
            raise RuntimeError("the process was not started")
        return self.process.pid

    def ask(self, command: str) -> Any:
        self._pipe.send(command)
        return self._pipe.recv()

    def hear(self) -> Any:
        return self._pipe.recv()

    def end(self) -> None:
        self.process.kill()
        self.process.join()
