"""The structured conditions of an endpoint: which changes it wants to hear of."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from reelhook.dialects.dialect import Dialect
from reelhook.errors import FieldError
from reelhook.model.endpoint import ChangeCondition
from reelhook.model.event import Event
from reelhook.model.pointer import pointer
from reelhook.pipeline.event_data import decode, equal

METADATA_CHANGED: Final = "asset.metadata_changed"
"""The event that an entry is about when it names none."""
MOST_CHANGES: Final = 50
LONGEST_FIELD: Final = 256


def entries_for(
    conditions: Sequence[ChangeCondition], event_type: str, category: str, dialect: Dialect
) -> list[ChangeCondition]:
    """Return the entries that are about this event; none means that any such event passes."""
    return [
        entry
        for entry in conditions
        if (entry.event is None and event_type == METADATA_CHANGED)
        or (entry.event is not None and dialect.subscribes(entry.event, event_type, category))
    ]


def objection(entries: Sequence[ChangeCondition], event: Event) -> str | None:
    """Say why none of the entries fits the event; None when one does.

    One change must fit all that an entry says. In a change, an absent `from` or `to` is null.
    """
    try:
        changes = _changes(decode(event.data))
    except ValueError as error:
        return f"its changes cannot be read: {error}"
    if any(_fits(entry, changes) for entry in entries):
        return None
    fields = [str(change.get("field"))[:60] for change in changes[:10]]
    return f"none of conditions.changes fits; the event changed {', '.join(fields) or 'no field'}"


def check_changes(conditions: Sequence[ChangeCondition]) -> list[FieldError]:
    """Say what is too long or too many; pointers start at the endpoint."""
    errors = []
    if len(conditions) > MOST_CHANGES:
        errors.append(FieldError(f"at most {MOST_CHANGES} changes", "/conditions/changes"))
    for place, entry in enumerate(conditions):
        if entry.field is not None and not 1 <= len(entry.field) <= LONGEST_FIELD:
            where = pointer("conditions", "changes", place, "field")
            errors.append(FieldError(f"a field has 1 to {LONGEST_FIELD} characters", where))
    return errors


def _changes(data: Any) -> list[dict[str, Any]]:
    changes = data.get("changes") if isinstance(data, dict) else None
    return [change for change in changes if isinstance(change, dict)] if isinstance(changes, list) else []


def _fits(entry: ChangeCondition, changes: Sequence[dict[str, Any]]) -> bool:
    if entry.field is None and entry.from_ is msgspec.UNSET and entry.to is msgspec.UNSET:
        return True  # it asks for the event alone
    return any(
        (entry.field is None or change.get("field") == entry.field)
        and (entry.from_ is msgspec.UNSET or equal(change.get("from"), entry.from_))
        and (entry.to is msgspec.UNSET or equal(change.get("to"), entry.to))
        for change in changes
    )
