"""The line between a node and the database: it may be slow, be cut, or break in the middle of a transaction."""

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import asyncpg
import pytest
from tests.simulation.nodes.database import SharedDatabase
from tests.simulation.nodes.plan import TAKES
from tests.simulation.trace import Trace

from reelhook.store.postgres import hints, members, store
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.sql import Statement

BREAKS: Final = "line.breaks"
CUT: Final = "line.cut"
_LONGEST_SILENCE: Final = 5.0


class Line:
    """All connections of one node. `cut`: nothing passes, which is noticed at once or, where it is `silent`, only after
    a while. `fate` befalls the next transaction that writes: it breaks `within`, or in its COMMIT `before` or `after`
    that took effect; true: that of the lease.
    """

    def __init__(self, url: str, database: SharedDatabase, trace: Trace, dice: random.Random, slowest: float) -> None:
        self.url = url
        self.database = database
        self._trace = trace
        self._dice = dice
        self._slowest = slowest
        self.cut = False
        self.silent = False
        self.fate: tuple[str, bool] | None = None
        self.passed: Callable[[str], None] = lambda _step: None
        self.left: Callable[[], None] = lambda: None
        """Is told when the members' connection has written."""
        self.time: Callable[[], int] = lambda: 0
        self.carry: Callable[..., None] = lambda *_: None
        """Calls somebody in the node's loop, after a while on the way."""

    def latency(self) -> float:
        """Return how long (s) something takes on its way: mostly short, now and then long."""
        if self.cut and self.silent:
            return self._dice.uniform(0.0, _LONGEST_SILENCE)
        if self._dice.random() < 0.03:
            return self._dice.uniform(0.0, self._slowest)
        return self._dice.uniform(0.0001, 0.003)

    def breaks(self, when: str, *, of_lease: bool) -> bool:
        """Tell whether the fate of this transaction is to break now; it befalls one only, of the lease or of others."""
        if self.fate != (when, of_lease):
            return False
        self.fate = None
        self._trace.add(BREAKS, when=when)
        return True

    def passes(self) -> bool:
        if self.cut:
            self._trace.add(CUT)
        return not self.cut


class LineConnection(PgConnection):
    """A connection as the store knows it, over the one real connection that all share."""

    line: Line
    _takes = False

    def begin(self, *, write: bool = True) -> None:
        if self.line.database.in_transaction:
            raise AssertionError("a transaction begins while another one is open: none may last longer than a moment")
        self._writes, self._of_shards, self._takes = write, False, False
        super().begin(write=write)

    def execute(self, statement: str, bindings: Any = ()) -> Any:
        answer = super().execute(statement, bindings)
        if isinstance(statement, Statement) and statement.file == "shards":
            self._of_shards = True
            self._takes = self._takes or (statement.name == "take" and self.changes() > 0)
            if not self.in_transaction:
                self.line.left()
        return answer

    def run_script(self, text: str) -> None:
        """Let each transaction know the virtual time."""
        begins = text.startswith("BEGIN") and self._writes
        super().run_script(f"{text}; SET LOCAL simulated.at = '{self.line.time() / 1000}'" if begins else text)

    def close(self) -> None:
        """Nothing is its own."""

    def _wait(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        if not self.line.passes() or (self._committing and self._breaks("before")):
            raise self._lost()
        result = self.line.database.call(call)
        if self._committing and self._of_shards:
            self.line.left()
            if self._takes:
                self.line.passed(TAKES)
        if self._breaks("after" if self._committing else "within"):
            raise self._lost()
        return result

    def _breaks(self, when: str) -> bool:
        inside = self._committing or (self.in_transaction and self._writes)
        return inside and self.line.breaks(when, of_lease=self._of_shards)

    def _lost(self) -> Exception:
        if self.line.database.in_transaction:
            self.line.database.run("ROLLBACK")
        self.in_transaction = False
        return asyncpg.ConnectionDoesNotExistError("the simulated connection was closed in the middle of an operation")


@contextmanager
def laid(lines: dict[str, Line], servers: Callable[..., Any]) -> Iterator[None]:
    """Let stores connect by these lines, known by the URLs of their databases, and hints to these servers."""

    class Connection(LineConnection):
        def __init__(self, url: str, **options: Any) -> None:
            super().__init__(url, **options)
            self.line = lines[url]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "PgConnection", Connection)
        patch.setattr(members, "PgConnection", Connection)
        patch.setattr(hints, "Servers", servers)
        yield
