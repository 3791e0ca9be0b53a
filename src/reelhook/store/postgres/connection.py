"""A connection to PostgreSQL as the store's jobs know connections: each call returns when the server has answered.

Jobs run in threads of their own (the writer, the readers), as they do with SQLite. The driver is asyncpg, whose
encoding of arrays is several times faster than its peers' (a batch of rows travels as one array for each column); a
loop that belongs to the connection drives it, in whichever thread uses the connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import Any, ClassVar, Final, Self

import asyncpg
import uvloop

from reelhook.errors import OutcomeUnknown, StorageFull, StoreBusy
from reelhook.store.postgres.locks import Locks
from reelhook.store.postgres.opening import Servers
from reelhook.store.postgres.texts import Bindings, Text, text_of, translate
from reelhook.store.sql import Bulk, Contended, Row, Statement

PROMPT_SECONDS: Final = 12.0
"""A server that has not answered for so long, while somebody waits for it, is taken for one that never will."""
_COMMAND_SECONDS: Final = 90.0
_SETTINGS: Final = {
    "application_name": "reelhook",
    # A node that is stopped in the middle of a transaction must not keep its locks from the one that takes over.
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "8s",
    "jit": "off",
    # Every statement has its index. A plan that reads a whole partition instead is made while that is nearly empty, as
    # each one is at midnight, and kept while it fills: a claim of ten then cost six times as much.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
)
"""What ends a connection, or keeps one from being made. Whether a commit that was under way happened is unknown then.
(A timeout is an OSError.)"""
_MET: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""Two transactions were in each other's way, and this one was chosen to be undone."""
_PASSING: Final = (
    *_MET,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,
)
_IN_THE_WAY: Final = "another node changed the same at this moment; nothing was stored; try again"
_NO_SPACE: Final = "the disk that holds the database is full; nothing was stored; free space and try again"

_UNKNOWN: Final = (
    "PostgreSQL was lost in a commit ({said}), so this may have been stored; send the same again, with the same "
    "Idempotency-Key or id"
)


class Answer:
    """The rows of one statement, all of them."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = rows

    @property
    def get(self) -> Any:
        """The first column of the first row; None without a row."""
        return self._rows[0][0] if self._rows else None

    def fetchone(self) -> Row | None:
        """Return the first row."""
        return tuple(self._rows[0]) if self._rows else None

    def fetchall(self) -> list[Row]:
        """Return all rows."""
        return [tuple(row) for row in self._rows]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.fetchall())

    def close(self, force: bool = False, /) -> None:
        """Nothing is open."""


_NOTHING: Final = Answer(())


class PgConnection:
    """Implements `Connection`; used by one thread at a time. It opens when first used, and again after it was lost."""

    backend: ClassVar[str] = "postgres"

    def __init__(self, url: str, *, pooled: bool = False, patience: float = _COMMAND_SECONDS) -> None:
        self._url = url
        # What nobody waits for any more must not go on at the server.
        settings = _SETTINGS | {"statement_timeout": f"{max(1, round(patience * 800))}ms"}
        self._servers = Servers(url, settings, pooled=pooled, patience=patience)
        # The same for one transaction: a session behind a pooler is not ours.
        local = "".join(f"; SET LOCAL {name} = '{value}'" for name, value in settings.items())
        self._settings_of_one = local if pooled else ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pg: asyncpg.Connection | None = None
        self._changes = 0
        self._committing = False
        self._locks = Locks(lambda text, columns: self._execute(text, columns).fetchall())
        self.in_transaction = False

    # Statements

    def execute(self, statement: str, bindings: Bindings = ()) -> Answer:
        """Run a statement, known by its name or given as this backend's text, and return what it answers."""
        text = text_of(statement) if isinstance(statement, Statement) else translate(statement)
        return self._execute(text, text.arguments(bindings))

    def bulk(self, bulk: Bulk, rows: list[Row]) -> int:
        """Run a statement over many rows at once, each column as one array; return how many rows changed."""
        text = text_of(bulk.statement)
        if text.sql:
            self._execute(text, text.columns(rows))
            return self._changes
        return 0

    def bulk_rows(self, bulk: Bulk, rows: list[Row]) -> list[Row]:
        """Ask a statement of many rows at once."""
        text = text_of(bulk.statement)
        return self._execute(text, text.columns(rows)).fetchall()

    def copy(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Put rows into a table by COPY, which is the fastest way there is and looks for no conflicts."""
        self._wait(lambda pg: pg.copy_records_to_table(table, records=rows, columns=columns))

    def changes(self) -> int:
        """Return how many rows the last statement changed, or answered."""
        return self._changes

    # Transactions

    def begin(self, *, write: bool = True) -> None:
        """Begin a transaction; one that only reads sees one commit throughout."""
        self._committing = False
        self._locks.forget()
        text = "BEGIN" if write else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        try:
            self.run_script(text + self._settings_of_one)
        except LOST as error:
            if not is_lost(error) or isinstance(error, TimeoutError):
                raise
            # Lost while nobody used it, which is seen only now: nothing was begun, so it is begun on another one.
            self.run_script(text + self._settings_of_one)
        self.in_transaction = True

    def commit(self) -> None:
        """Commit; raises one of `LOST` when nobody can tell whether it happened."""
        self.in_transaction, self._committing = False, True
        said = self._wait(lambda pg: pg.execute("COMMIT"))
        self._committing = False
        if said != "COMMIT":
            raise asyncpg.InFailedSQLTransactionError("a statement of the transaction had failed; nothing was stored")

    def rollback(self) -> None:
        """Undo the transaction, if there is one and the connection lives."""
        if not self.in_transaction:
            return
        self.in_transaction = False
        try:
            self.run_script("ROLLBACK")
        except LOST:
            self.drop()

    def lock(self, keys: Collection[int], *, wait: bool = False) -> None:
        """Keep other transactions from what these numbers stand for until this one ends."""
        self._locks.take(keys, wait=wait)

    def __enter__(self) -> Self:
        self.run_script("SAVEPOINT job")
        self._locks.saved()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._locks.released(undone=kind is not None)
        if kind is None:
            self.run_script("RELEASE SAVEPOINT job")
        elif self.in_transaction:  # else the connection was lost, and everything with it
            self.run_script("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job")

    # Errors

    def named(self, error: Exception) -> Exception:
        """Name what went wrong with the server in our words; what is wrong with a value belongs to its operation."""
        if isinstance(error, asyncpg.DiskFullError):
            return StorageFull(_NO_SPACE)
        if isinstance(error, _MET) and not self._committing:
            return Contended(_IN_THE_WAY)
        if is_lost(error) or isinstance(error, _PASSING):
            said = str(error) or type(error).__name__
            if self._committing:
                return OutcomeUnknown(_UNKNOWN.format(said=said))
            return StoreBusy(f"PostgreSQL cannot be used at this moment ({said}); try again")
        return error

    # Life

    def run_script(self, text: str) -> None:
        """Run plain statements, as many as there are in the text."""
        self._wait(lambda pg: pg.execute(text))

    def drop(self) -> None:
        """Give the connection up at once; the next statement opens another."""
        self.in_transaction = False
        pg, self._pg = self._pg, None
        if pg is not None:
            pg.terminate()
        if self._loop is not None:
            _end_tasks(self._loop)

    def close(self) -> None:
        """Say good-bye."""
        pg, self._pg = self._pg, None
        if self._loop is None:
            return
        if pg is not None and not pg.is_closed():
            try:
                self._loop.run_until_complete(pg.close(timeout=2))
            except LOST:
                pg.terminate()
        _end_tasks(self._loop)
        self._loop.close()
        self._loop = None

    def _execute(self, text: Text, arguments: Sequence[Any]) -> Answer:
        if not text.sql:
            self._changes = 0
            return _NOTHING
        if text.reads:
            rows = self._wait(lambda pg: pg.fetch(text.sql, *arguments))
            self._changes = len(rows)
            return Answer(rows)
        status: str = self._wait(lambda pg: pg.execute(text.sql, *arguments))
        count = status.rpartition(" ")[2]
        self._changes = int(count) if count.isdecimal() else 0
        return _NOTHING

    def _wait(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        loop = self._loop
        if loop is None:
            loop = self._loop = uvloop.new_event_loop()
        if self._pg is None or self._pg.is_closed():
            if self.in_transaction:
                self.in_transaction = False
                raise asyncpg.ConnectionDoesNotExistError("the connection was lost within a transaction")
            self._pg = loop.run_until_complete(self._servers.open())
        try:
            return loop.run_until_complete(call(self._pg))
        except asyncpg.InternalClientError as error:
            # The server said good-bye while nothing was asked of it, after which the driver can do nothing more.
            self.drop()
            raise asyncpg.ConnectionDoesNotExistError(f"the connection is of no use any more: {error}") from error
        except LOST as error:
            if is_lost(error):
                self.drop()
            raise


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """End what the driver still has to do for a connection that is no more: a cancellation of what took too long."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))


def is_lost(error: Exception) -> bool:
    """Tell whether an error means that the connection is of no use any more: a value that no column takes does not."""
    return isinstance(error, LOST) and not isinstance(error, ValueError)
