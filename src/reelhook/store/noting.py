"""What is written down with every change, in its transaction: who made it, and the answer that a repetition gets."""

from typing import Final

from reelhook.errors import Conflict
from reelhook.model.audit import AuditEntry
from reelhook.ports import SealedAnswer
from reelhook.store.answers import keep_answer
from reelhook.store.audit import add_entry
from reelhook.store.sql import Connection

_MADE: Final = "a request with this Idempotency-Key was first; send yours again to get its answer"


def note(connection: Connection, entry: AuditEntry | None, answer: SealedAnswer | None = None) -> None:
    """Write the entry and the answer inside the transaction of the change that they tell of.

    Raises:
        Conflict: the key has an answer already, so the change must not happen a second time.
    """
    if entry is not None:
        add_entry(connection, entry)
    if answer is not None and not keep_answer(connection, answer):
        raise Conflict(_MADE)
