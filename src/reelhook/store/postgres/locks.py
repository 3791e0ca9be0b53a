"""Locks of a transaction on what has no row of its own: advisory ones, given up by PostgreSQL when it ends.

A transaction waits for such locks at its very beginning only, all at once and in their order. What it finds to need
later it only tries to get: where another one has it, it is undone and begun anew, with that lock among the first. So no
two transactions can wait for each other here, whatever rows they have locked by then.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

from reelhook.store.postgres.texts import Text, own_statements, text_of
from reelhook.store.sql import Contended, Row

_SQL: Final = own_statements("locks")
_TAKEN: Final = "another node is about the same ordered lane at this moment; try again"


class Locks:
    """What the transaction under way has locked. `ask` runs a statement of which the rows are needed."""

    def __init__(self, ask: Callable[[Text, list[Any]], Collection[Row]]) -> None:
        self._ask = ask
        self._held: set[int] = set()
        self._before: list[set[int]] = []

    def forget(self) -> None:
        """A transaction begins: it has none."""
        self._held.clear()
        self._before.clear()

    def take(self, keys: Collection[int], *, wait: bool) -> None:
        """Lock what is not locked yet; raises Contended where that cannot be without waiting, unless that is meant."""
        missing = sorted(set(keys) - self._held)
        if not missing:
            return
        rows = self._ask(text_of(_SQL["wait" if wait else "try"]), [missing])
        if not wait and not all(row[0] for row in rows):
            raise Contended(_TAKEN, self._held.union(missing))
        self._held.update(missing)

    # A lock that was taken after a savepoint is given up with what is undone to it.

    def saved(self) -> None:
        """A savepoint is made."""
        self._before.append(set(self._held))

    def released(self, *, undone: bool) -> None:
        """The last savepoint is no more."""
        before = self._before.pop()
        if undone:
            self._held = before
