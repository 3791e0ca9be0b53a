"""What the store's code knows of a database: statements, and a connection that runs them, one by one, and waits."""

from collections.abc import Collection, Iterator
from types import TracebackType
from typing import Any, ClassVar, Final, Protocol, Self

from reelhook.errors import StoreBusy

Row = tuple[Any, ...]


class Statement(str):
    """A statement as SQLite knows it, which is also the key to what other backends say in its place."""

    __slots__ = ("file", "name")

    file: str
    name: str

    @classmethod
    def of(cls, file: str, name: str, text: str) -> Self:
        """Make the statement `name` of a file."""
        statement = cls(text)
        statement.file = file
        statement.name = name
        return statement


class Bulk:
    """A statement over many rows at once; `:rows` stands for them in its text.

    Few, large statements: each one that a writer thread runs gives the interpreter lock away and must win it back from
    a busy loop, which costs more than the statement (measured: `executemany` falls to 1,200 rows/s). How the rows get
    into the statement is the connection's business.
    """

    __slots__ = ("statement", "texts", "width")

    def __init__(self, statement: Statement, columns: int) -> None:
        self.statement: Final = statement
        self.width: Final = columns
        self.texts: Final[dict[int, str]] = {}
        """What the connection keeps for it: texts by number of rows."""

    def run(self, connection: "Connection", rows: list[tuple[Any, ...]]) -> int:
        """Run it over all rows; return how many rows changed."""
        return connection.bulk(self, rows) if rows else 0

    def select(self, connection: "Connection", rows: list[tuple[Any, ...]]) -> list[Row]:
        """Ask it of all rows; return what it answers."""
        return connection.bulk_rows(self, rows) if rows else []


class Contended(StoreBusy):
    """Another transaction was in the way, and this one is to be undone. It can be run again at once, with these
    `locks` taken first.
    """

    def __init__(self, detail: str, locks: Collection[int] = ()) -> None:
        super().__init__(detail)
        self.locks = locks


class Cursor(Protocol):
    """What a statement answered."""

    @property
    def get(self) -> Any:
        """The first column of the first row; None without a row."""
        ...

    def fetchone(self) -> Row | None: ...  # noqa: D102
    def fetchall(self) -> list[Row]: ...  # noqa: D102
    def close(self, force: bool = ..., /) -> None: ...  # noqa: D102
    def __iter__(self) -> Iterator[Row]: ...


class Connection(Protocol):
    """One connection, used by one thread at a time. As a context manager it is a savepoint: an error undoes what was
    done within.
    """

    backend: ClassVar[str]
    """Where its statements stand: a folder of `sql`."""

    @property
    def in_transaction(self) -> bool: ...  # noqa: D102

    def execute(self, statement: str, bindings: Any = ...) -> Cursor:
        """Run a statement with a sequence for `?`, or a mapping for `:name`."""
        ...

    def bulk(self, bulk: Bulk, rows: list[Row]) -> int:
        """Run a statement over many rows at once; return how many rows changed."""
        ...

    def bulk_rows(self, bulk: Bulk, rows: list[Row]) -> list[Row]:
        """Ask a statement of many rows at once; return what it answers."""
        ...

    def changes(self) -> int:
        """Return how many rows the last statement changed."""
        ...

    def begin(self, *, write: bool = True) -> None:
        """Begin a transaction; one that only reads sees one commit throughout."""
        ...

    def commit(self) -> None: ...  # noqa: D102

    def rollback(self) -> None:
        """Undo the transaction, where there is one."""
        ...

    def lock(self, keys: Collection[int], *, wait: bool = False) -> None:
        """Keep other transactions from what these numbers stand for until this one ends. Only right behind its
        beginning may it `wait`; later it raises Contended where another one has such a lock.
        """
        ...

    def run_script(self, text: str) -> None:
        """Run statements of this backend that are known by no name: migrations."""
        ...

    def named(self, error: Exception) -> Exception:
        """Name what went wrong with the database in our words; every other error belongs to an operation."""
        ...

    def close(self) -> None: ...  # noqa: D102
    def __enter__(self) -> Any: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> Any: ...
