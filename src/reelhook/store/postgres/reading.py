"""Reads beside the loop: some threads, each with a connection of its own, each job in a transaction of its own."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from reelhook.errors import StoreBusy
from reelhook.store.postgres.connection import PgConnection, is_lost
from reelhook.store.sql import Connection

T = TypeVar("T")
THREADS: Final = 4


class PgReading:
    """Implements `Reading`, and `Points`: here every read is a round trip. A job that found no thread within the
    patience (s) is refused.
    """

    def __init__(self, connect: Callable[[], PgConnection], patience: float, threads: int = THREADS) -> None:
        self._connect = connect
        self._patience = patience
        self._own = threading.local()
        self._connections: list[PgConnection] = []
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="reader")

    def run(self, job: Callable[[Connection], T]) -> Awaitable[T]:
        """Hand the job to a thread.

        Raises:
            Unavailable: PostgreSQL cannot be reached.
        """
        return asyncio.get_running_loop().run_in_executor(self._executor, self._run, job, time.monotonic())

    def stop(self) -> None:
        """Finish what was given, end the threads and their connections."""
        self._executor.shutdown()
        for connection in self._connections:
            connection.close()

    def _run(self, job: Callable[[Connection], T], asked_at: float) -> T:
        if time.monotonic() - asked_at > self._patience:
            # All threads waited for a server that does not answer: who came behind them is not let wait in turn.
            raise StoreBusy("PostgreSQL has not answered for a while; try again")
        connection = self._connection()
        try:
            return _in_transaction(connection, job)
        except Exception as error:
            if not is_lost(error) or isinstance(error, TimeoutError):
                raise connection.named(error) from error
        # A connection that was idle may have been lost long ago, which is seen only when it is used; reads change
        # nothing, so that they can be tried once more.
        try:
            return _in_transaction(connection, job)
        except Exception as error:
            raise connection.named(error) from error

    def _connection(self) -> PgConnection:
        connection: PgConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._connect()
            self._connections.append(connection)
        return connection


def _in_transaction(connection: PgConnection, job: Callable[[Connection], T]) -> T:
    connection.begin(write=False)
    try:
        return job(connection)
    finally:
        connection.rollback()
