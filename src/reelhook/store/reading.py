"""Reads pages of the log off the loop: one thread, one connection, each job in a transaction of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from reelhook.store.sql import Connection

T = TypeVar("T")


class Reading(Protocol):
    """Runs a job that reads; all its statements see the same commit."""

    def run(self, job: Callable[[Connection], T]) -> Awaitable[T]:
        """Run the job and return what it returned."""
        ...


class Points(Protocol):
    """Runs a job that reads a row or two where that is quickest: in the loop, or beside it, which must be awaited."""

    def run(self, job: Callable[[Connection], T]) -> T | Awaitable[T]:
        """Run the job."""
        ...


class InLoop:
    """Implements `Points` where a point read takes microseconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, job: Callable[[Connection], T]) -> T:
        """Run the job at once."""
        return job(self._connection)


class ReadThread:
    """Runs them in a thread, one after the other; each is short, so that none waits long."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="reader")

    def run(self, job: Callable[[Connection], T]) -> Awaitable[T]:
        """Hand the job to the thread."""
        return asyncio.get_running_loop().run_in_executor(self._executor, _in_transaction, self._connection, job)

    def stop(self) -> None:
        """Finish what was given and end the thread."""
        self._executor.shutdown()


class InlineReading:
    """Runs them in the loop at once, so that a simulated run is the same every time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Run the job."""
        return _in_transaction(self._connection, job)

    def stop(self) -> None:
        """Nothing is running."""


def _in_transaction(connection: Connection, job: Callable[[Connection], T]) -> T:
    connection.begin(write=False)
    try:
        return job(connection)
    finally:
        connection.commit()
