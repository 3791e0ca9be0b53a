"""Chooses, for a resolved filter, the narrowest way to the ids of one page of attempts, deliveries or events."""

from collections.abc import Callable
from typing import Final

import msgspec

from reelhook.model.delivery import CLOSED, WAITING, State
from reelhook.store.indexing import indexed_until
from reelhook.store.log_statements import LOG_SQL
from reelhook.store.scan import BUDGET, Scan, Stream
from reelhook.store.search import Wanted, as_json, types_of
from reelhook.store.select import select_column, select_value
from reelhook.store.sql import Connection

_MOST_DELIVERIES: Final = 2000
"""Deliveries whose attempts are followed one by one; above that a scan with a filter is cheaper."""
_MOST_STREAMS: Final = 100
_UNHAPPY: Final = frozenset(CLOSED - {State.DELIVERED})

Listed = tuple[list[int], int | None]
"""The ids of a page, newest first, and below which id the next one begins (None: this is the last)."""
Find = Callable[[Connection, Wanted, Scan, int], int | None]
"""Fills a scan with ids below the given one; returns where to go on."""


class Listing(msgspec.Struct, frozen=True):
    """One table of the log: its indexes in arrears, and how its ids are found."""

    table: str
    by_endpoint: str | None
    by_type: str
    types: str
    find: Find


def list_ids(connection: Connection, listing: Listing, wanted: Wanted, below: int, limit: int) -> Listed:
    """Return the ids of a page, and where the next one begins."""
    scan = Scan(connection, listing.table, wanted.bindings, limit + 1)
    onward = listing.find(connection, wanted, scan, min(below, wanted.below))
    if len(scan.found) > limit:
        return scan.found[:limit], scan.found[limit - 1]
    return scan.found, onward


def _find_attempts(connection: Connection, wanted: Wanted, scan: Scan, below: int) -> int | None:
    named = _named_attempts(connection, wanted)
    if named is not None:
        return scan.among(named, wanted.low, below)
    unusual = _unusual_attempts(wanted)
    if unusual is not None:
        return scan.between(unusual, wanted.low, below)
    return _find_any(connection, ATTEMPTS, wanted, scan, below)


def _unusual_attempts(wanted: Wanted) -> str | None:
    """Return the live index that holds the attempts wanted, where these are not the ordinary ones."""
    status_code = wanted.bindings["status_code"]
    if status_code is not None and not 200 <= status_code <= 299:
        return "attempts_of_status"
    if wanted.bindings["succeeded"] != 0:
        return None
    return "attempts_failed" if wanted.bindings["endpoint_id"] is None else "attempts_failed_of_endpoint"


def _find_deliveries(connection: Connection, wanted: Wanted, scan: Scan, below: int) -> int | None:
    named = _named_deliveries(connection, wanted)
    if named is None and wanted.bindings["state"] in WAITING:
        named = _waiting(connection, wanted)
    if named is not None:
        return scan.among(named, wanted.low, below)
    if wanted.bindings["state"] in _UNHAPPY:
        endpoints = _endpoints(connection, wanted)
        if endpoints is not None:
            return scan.streams([("deliveries_unhappy", one) for one in endpoints], wanted.low, below)
    return _find_any(connection, DELIVERIES, wanted, scan, below)


def _find_events(connection: Connection, wanted: Wanted, scan: Scan, below: int) -> int | None:
    if wanted.events is not None or wanted.attempt is not None:
        return scan.among(wanted.events or [], wanted.low, below)
    return _find_any(connection, EVENTS, wanted, scan, below)


def _find_any(connection: Connection, listing: Listing, wanted: Wanted, scan: Scan, below: int) -> int | None:
    """Search the tail that no index holds yet row by row, then the indexes."""
    table = f"{listing.table}_between"
    streams = _streams(connection, listing, wanted)
    if streams is None:
        return scan.between(table, wanted.low, below)
    indexed = indexed_until(connection, listing.table) + 1
    onward = scan.between(table, max(wanted.low, indexed), below)
    if onward is not None:
        return onward
    return scan.streams(streams, wanted.low, min(below, indexed))


def _streams(connection: Connection, listing: Listing, wanted: Wanted) -> list[Stream] | None:
    """Return the index entries that together hold all that is wanted; None when the table itself is the better way."""
    bindings = wanted.bindings
    if bindings["endpoint_id"] is not None and listing.by_endpoint:
        return [(listing.by_endpoint, bindings["endpoint_id"])]
    if bindings["event_type"] is not None:
        return [(listing.by_type, bindings["event_type"])]
    if bindings["any_endpoint"] is not None:
        return _streams_of_text(listing, wanted)
    if select_value(connection, LOG_SQL["other_apps"], bindings):
        types = types_of(connection, bindings["app_id"], listing.types, _MOST_STREAMS + 1)
        return None if len(types) > _MOST_STREAMS else [(listing.by_type, one) for one in types]
    return None


def _streams_of_text(listing: Listing, wanted: Wanted) -> list[Stream] | None:
    endpoints = msgspec.json.decode(wanted.bindings["any_endpoint"])
    types = msgspec.json.decode(wanted.bindings["any_type"])
    if len(endpoints) + len(types) > _MOST_STREAMS or (endpoints and not listing.by_endpoint):
        return None
    streams: list[Stream] = [(listing.by_type, one) for one in types]
    if listing.by_endpoint:
        streams += [(listing.by_endpoint, one) for one in endpoints]
    return streams


def _named_attempts(connection: Connection, wanted: Wanted) -> list[int] | None:
    """Return the attempts of the deliveries that are named exactly; None when none are, or there are too many."""
    if wanted.attempt is not None:
        return [wanted.attempt]
    deliveries = _named_deliveries(connection, wanted)
    if deliveries is None:
        return None
    if len(deliveries) <= _MOST_DELIVERIES:
        found = attempts_of(connection, wanted.bindings["app_id"], deliveries, BUDGET + 1)
        if len(found) <= BUDGET:
            return found
    _filter_by_events(wanted)
    return None


def _named_deliveries(connection: Connection, wanted: Wanted) -> list[int] | None:
    if wanted.delivery is not None:
        return [wanted.delivery]
    if wanted.events is None:
        return None if wanted.attempt is None else []
    bounds = {"ids": as_json(wanted.events), "limit": BUDGET + 1}
    found = select_column(connection, LOG_SQL["deliveries_of_events"], bounds)
    if len(found) <= BUDGET:
        return found
    _filter_by_events(wanted)
    return None


def _filter_by_events(wanted: Wanted) -> None:
    """Look for them by a filter, from new to old, no further back than the first event."""
    wanted.bindings["events"] = as_json(wanted.events or [])
    wanted.low = max(wanted.low, min(wanted.events or [0]))


def attempts_of(connection: Connection, app_id: str, deliveries: list[int], limit: int) -> list[int]:
    """Follow the chains of attempts of some deliveries back to their beginnings."""
    bounds = {"ids": as_json(deliveries), "app_id": app_id, "limit": limit}
    return select_column(connection, LOG_SQL["attempts_of_deliveries"], bounds)


def _waiting(connection: Connection, wanted: Wanted) -> list[int] | None:
    """Return what waits, out of the queue; None when that is so much that it is found quickly anyway."""
    found = select_column(connection, LOG_SQL["deliveries_waiting"], {**wanted.bindings, "limit": BUDGET + 1})
    return found if len(found) <= BUDGET else None


def _endpoints(connection: Connection, wanted: Wanted) -> list[int] | None:
    if wanted.bindings["endpoint_id"] is not None:
        return [wanted.bindings["endpoint_id"]]
    bounds = {"app_id": wanted.bindings["app_id"], "limit": _MOST_STREAMS + 1}
    found = select_column(connection, LOG_SQL["endpoint_ids"], bounds)
    return found if len(found) <= _MOST_STREAMS else None


ATTEMPTS: Final = Listing("attempts", "attempts_by_endpoint", "attempts_by_type", "attempt_types", _find_attempts)
DELIVERIES: Final = Listing(
    "deliveries", "deliveries_by_endpoint", "deliveries_by_type", "delivery_types", _find_deliveries
)
EVENTS: Final = Listing("events", None, "events_by_type", "event_types", _find_events)
