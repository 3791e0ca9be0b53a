"""Resolves what a reader asks for, ids and free text, to ids; nothing is ever searched for word by word."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from reelhook.errors import FieldError, Invalid
from reelhook.model import ids
from reelhook.model.page import LogFilter
from reelhook.store.asset_ids import asset_ids
from reelhook.store.cursor import NEWEST
from reelhook.store.indexing import indexed_until
from reelhook.store.log_statements import LOG_SQL
from reelhook.store.select import select, select_column, select_one, select_value
from reelhook.store.sql import Connection

_STATUSES: Final = {"succeeded": 1, "failed": 0}
_MOST_EVENTS: Final = 500
"""An asset with more events is searched for by its index while scanning, instead of being listed."""
_MOST_NAMES: Final = 10_000
_TAIL: Final = 20_000


class Wanted(msgspec.Struct):
    """A filter resolved: parameters for the statements, bounds on ids, and what it names exactly where it does."""

    bindings: dict[str, Any]
    low: int
    below: int
    events: list[int] | None = None
    delivery: int | None = None
    attempt: int | None = None

    def narrow(self, events: list[int]) -> bool:
        """Let it mean only these events; tell whether any is left."""
        self.events = events if self.events is None else [one for one in self.events if one in set(events)]
        return bool(self.events)


def resolve(connection: Connection, where: LogFilter) -> Wanted | None:
    """Resolve a filter; None when nothing can match it.

    Raises:
        Invalid: `status` is neither `succeeded` nor `failed`.
    """
    wanted = Wanted(_bindings(where), ids.id_at(where.since or 0), _below(where.until))
    if where.event is not None:
        event_id = event_of(connection, where.app_id, where.event)
        if event_id is None or not wanted.narrow([event_id]):
            return None
    text = (where.text or "").strip()
    if text and not any(found(connection, wanted, text) for found in _RESOLVERS):
        return None
    return None if wanted.events == [] else wanted


def event_of(connection: Connection, app_id: str, public_id: str) -> int | None:
    """Return the event that the world knows by this id, the client's own or ours."""
    given: int | None = select_value(connection, LOG_SQL["event_of_key"], {"app_id": app_id, "text": public_id})
    for event_id in (given, ids.read("evt", public_id)):
        if event_id and select_value(connection, LOG_SQL["event_exists"], {"id": event_id, "app_id": app_id}):
            return event_id
    return None


def types_of(connection: Connection, app_id: str, statement: str, limit: int) -> list[str]:
    """Return up to `limit` event types that an app has in an index."""
    return select_column(connection, LOG_SQL[statement], {"app_id": app_id, "limit": limit})


def as_json(values: list[Any]) -> str:
    """Write ids or names as one parameter for `json_each`."""
    return msgspec.json.encode(values).decode()


def _bindings(where: LogFilter) -> dict[str, Any]:
    return {
        "app_id": where.app_id,
        "endpoint_id": where.endpoint_id,
        "event_type": where.event_type,
        "succeeded": _succeeded(where.status),
        "status_code": where.status_code,
        "state": where.state,
        "events": None,
        "asset": None,
        "asset_tail": "[]",
        "any_endpoint": None,
        "any_type": "[]",
    }


def _succeeded(status: str | None) -> int | None:
    if status is not None and status not in _STATUSES:
        detail = f"status is succeeded or failed, not {status[:40]}"
        raise Invalid(detail, errors=(FieldError(detail, "/status"),))
    return None if status is None else _STATUSES[status]


def _below(until: int | None) -> int:
    return NEWEST if until is None else ids.id_at(until)


def _by_id(connection: Connection, wanted: Wanted, text: str) -> bool:
    """An id of ours: of an event, a delivery, an attempt, an endpoint."""
    app_id = wanted.bindings["app_id"]
    kind = text.partition("_")[0]
    number = ids.read(kind, text)
    if number is None:
        return False
    key = {"id": number, "app_id": app_id}
    if kind == "dlv":
        return _by_delivery(connection, wanted, key)
    if kind == "att":
        return _by_attempt(connection, wanted, key)
    if kind == "ep":
        wanted.bindings["any_endpoint"] = as_json([number])
        return True
    return False


def _by_delivery(connection: Connection, wanted: Wanted, key: dict[str, Any]) -> bool:
    event_id = select_value(connection, LOG_SQL["event_of_delivery"], key)
    if event_id is None:
        return False
    wanted.delivery = key["id"]
    return wanted.narrow([event_id])


def _by_attempt(connection: Connection, wanted: Wanted, key: dict[str, Any]) -> bool:
    row = select_one(connection, LOG_SQL["attempt_ids"], key)
    if row is None:
        return False
    wanted.attempt = key["id"]
    event_id, wanted.delivery = row
    return event_id is None or wanted.narrow([event_id])


def _by_event(connection: Connection, wanted: Wanted, text: str) -> bool:
    event_id = event_of(connection, wanted.bindings["app_id"], text)
    return event_id is not None and wanted.narrow([event_id])


def _by_asset(connection: Connection, wanted: Wanted, text: str) -> bool:
    app_id = wanted.bindings["app_id"]
    bounds = {"app_id": app_id, "text": text, "limit": _MOST_EVENTS + 1}
    indexed = select_column(connection, LOG_SQL["events_of_asset"], bounds)
    bounds = {"app_id": app_id, "after": indexed_until(connection, "events"), "budget": _TAIL}
    tail = [row[0] for row in select(connection, LOG_SQL["tail_events"], bounds) if text in asset_ids(row[1])]
    if not indexed and not tail:
        return False
    if len(indexed) + len(tail) <= _MOST_EVENTS:
        return wanted.narrow(tail + indexed)
    wanted.bindings["asset"] = text
    wanted.bindings["asset_tail"] = as_json(tail)
    return True


def _by_names(connection: Connection, wanted: Wanted, text: str) -> bool:
    """A part of an endpoint's name or URL, or of an event type's name; a `*` at its end is as good as none."""
    app_id = wanted.bindings["app_id"]
    part = text.rstrip("*").lower()
    if not part:
        return False
    key = {"app_id": app_id, "text": part, "limit": _MOST_NAMES}
    endpoints = select_column(connection, LOG_SQL["endpoints_like"], key)
    types = [name for name in _known_types(connection, app_id) if part in name.lower()]
    wanted.bindings["any_endpoint"] = as_json(endpoints)
    wanted.bindings["any_type"] = as_json(types)
    return bool(endpoints or types)


def _known_types(connection: Connection, app_id: str) -> set[str]:
    found = types_of(connection, app_id, "event_types", _MOST_NAMES)
    found += types_of(connection, app_id, "attempt_types", _MOST_NAMES)
    tail = {"app_id": app_id, "after": indexed_until(connection, "events"), "budget": _TAIL}
    return {*found, *select_column(connection, LOG_SQL["tail_types"], tail)}


_RESOLVERS: Final[tuple[Callable[[Connection, Wanted, str], bool], ...]] = (
    _by_id,
    _by_event,
    _by_asset,
    _by_names,
)
"""From the most exact to the least; the first that finds anything decides."""
