"""Finds the deliveries that a task names, in bounded steps, and puts them back to `pending`, hundreds at once."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from reelhook.model import ids
from reelhook.model.delivery import CLOSED, WAITING, State, Trigger
from reelhook.model.endpoint import EndpointState
from reelhook.model.task import Selection
from reelhook.store import ordering
from reelhook.store.cursor import NEWEST
from reelhook.store.endpoints import state_of
from reelhook.store.indexing import indexed_until
from reelhook.store.select import Row, each, select, select_value
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

_SQL: Final = statements("tasks")
BUDGET: Final = 5000
"""Rows that one search looks at."""
_UNHAPPY: Final = frozenset({State.FAILED, State.CANCELLED})
_MOVABLE: Final = frozenset(State) - {State.SENDING}


class Scope(msgspec.Struct, frozen=True):
    """A selection with its bounds as event ids: `first` <= event id < `end`."""

    app_id: str
    selection: Selection
    first: int
    end: int


class Found(msgspec.Struct):
    """Deliveries to be moved, where the search stopped, and whether nothing is left behind that."""

    deliveries: list[int]
    cursor: int
    exhausted: bool
    states: frozenset[State]


class Restart(msgspec.Struct, frozen=True):
    """How deliveries are put back: why, due when, and now (ms); `first_position` begins as many fresh places in their
    lanes as there are deliveries.
    """

    trigger: Trigger
    due_at: int
    now: int
    first_position: int


def scope_of(app_id: str, selection: Selection, before: int = NEWEST) -> Scope:
    """Bound a selection; `before` is the id of the task, which does not chase what was accepted after it."""
    end = NEWEST if selection.until is None else ids.id_at(selection.until)
    return Scope(app_id, selection, ids.id_at(selection.since), min(end, before))


def find(connection: Connection, scope: Scope, cursor: int, limit: int) -> Found:
    """Return up to `limit` deliveries behind the cursor, of at most `BUDGET` rows looked at."""
    states = _states(connection, scope)
    found = Found([], max(cursor, scope.first - 1), True, states)
    if not states:
        return found
    for looked_at, row in enumerate(_rows(connection, scope.selection, states, found.cursor), 1):
        found.cursor = row[0]
        if _is_meant(row, scope, states):
            found.deliveries.append(row[0])
        if len(found.deliveries) >= limit or looked_at >= BUDGET:
            found.exhausted = False
            break
    return found


def move(connection: Connection, found: Found, restart: Restart) -> Sequence[Row]:
    """Put what was found back to `pending`; return the rows moved: (id, endpoint id, …).

    What changed since it was found is left out. A closed delivery of a lane goes to its end, one that waits keeps its
    place.
    """
    rows = select(connection, _SQL["movable"], {"ids": _json(found.deliveries)})
    rows = [row for row in rows if State(row[2]) in found.states]
    ordering.lock(connection, [(row[1], row[3]) for row in rows if row[3] is not None])
    blocked = [row[0] for row in rows if State(row[2]) in WAITING and row[4] is None]
    free = [row[0] for row in rows if State(row[2]) in CLOSED or row[4] is not None]
    _restart(connection, blocked, restart, None)
    connection.execute(_SQL["dequeue"], {"ids": _json(free)})
    _restart(connection, free, restart, restart.due_at)
    connection.execute(_SQL["enqueue"], {"ids": _json(free), "due_at": restart.due_at})
    for position, (delivery_id, endpoint_id, state, lane, _) in enumerate(rows, restart.first_position):
        if lane is not None and State(state) in CLOSED:
            connection.execute(_SQL["set_position"], (position, delivery_id))
            ordering.join(connection, endpoint_id, lane, delivery_id, position)
    return rows


def _restart(connection: Connection, chosen: list[int], restart: Restart, due_at: int | None) -> None:
    values = {"ids": _json(chosen), "trigger": restart.trigger.value, "due_at": due_at, "now": restart.now}
    connection.execute(_SQL["restart"], values)


def _states(connection: Connection, scope: Scope) -> frozenset[State]:
    """Return the states that are meant; none when the endpoint is gone."""
    selection = scope.selection
    states = (frozenset(selection.states) or _MOVABLE) & _MOVABLE
    if selection.endpoint_id is None:
        return states
    document = select_value(connection, _SQL["endpoint_document"], (selection.endpoint_id, scope.app_id))
    if document is None:
        return frozenset()
    held = selection.held and state_of(document) is not EndpointState.ACTIVE
    return states | WAITING if held else states


def _rows(connection: Connection, selection: Selection, states: frozenset[State], after: int) -> Iterator[Row]:
    """Yield candidates in the order of ids, from the narrowest index."""
    values = {"endpoint_id": selection.endpoint_id, "event_id": selection.event_id, "after": after, "budget": BUDGET}
    if selection.event_id is not None:
        yield from each(connection, _SQL["of_event"], values)
    elif selection.endpoint_id is None:
        yield from each(connection, _SQL["of_any"], values)
    elif states <= _UNHAPPY:
        yield from each(connection, _SQL["unhappy"], values)
    else:
        until = indexed_until(connection, "deliveries")
        if after < until:
            yield from each(connection, _SQL["of_endpoint"], {**values, "until": until})
        yield from each(connection, _SQL["of_any"], {**values, "after": max(after, until)})


def _is_meant(row: Row, scope: Scope, states: frozenset[State]) -> bool:
    _, app_id, endpoint_id, event_id, state = row
    return (
        app_id == scope.app_id
        and scope.selection.endpoint_id in (None, endpoint_id)
        and scope.first <= event_id < scope.end
        and State(state) in states
    )


def _json(values: Sequence[int]) -> str:
    return msgspec.json.encode(values).decode()
