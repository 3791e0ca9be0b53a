"""Everything that is sealed, sealed anew with another key: page by page, each in a transaction, while others work.

What is sealed with the new key already is left alone, so that a run which was cut off is simply begun again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from reelhook.errors import Unavailable
from reelhook.model.access import App
from reelhook.model.endpoint import Endpoint
from reelhook.model.ids import show
from reelhook.store.documents import Documents
from reelhook.store.seal import SealBroken, Sealer, place_of
from reelhook.store.select import Row, select
from reelhook.store.sql import Connection
from reelhook.store.statements import statements

_SQL: Final = statements("resealing")
_MOST_PASSES: Final = 5
Values = Mapping[str, Any]


class _Sealed(msgspec.Struct, frozen=True):
    """One kind of what is sealed: where a walk through it begins, and how many rows a transaction takes (an app is
    locked by whoever changes anything of it). `row` gives a row its names, `renew` returns its value sealed anew.
    """

    name: str
    put: str
    first: Values
    limit: int
    row: tuple[str, ...]
    value: str
    renew: Callable[[Sealer, dict[str, Any]], bytes]
    called: Callable[[dict[str, Any]], str]


def _app(sealer: Sealer, row: dict[str, Any]) -> bytes:
    return Documents(sealer).renew(row["document"], App, row["id"], "apps", row["id"])


def _version(sealer: Sealer, row: dict[str, Any]) -> bytes:
    place = (row["app_id"], "endpoint_versions", row["endpoint_id"], row["version"])
    return Documents(sealer).renew(row["document"], Endpoint, *place)


def _answer(sealer: Sealer, row: dict[str, Any]) -> bytes:
    place = place_of(row["app_id"], "keys", row["kind"], row["key"])
    answer: bytes = row["answer"]
    # What happens to begin like a sealed value, and is none, stays as it is.
    return sealer.seal(sealer.open(answer, place), place) if sealer.opens(answer, place) else answer


KINDS: Final = (
    _Sealed("apps", "put_app", {"id": ""}, 1, ("id", "document"), "document", _app, lambda row: f"app {row['id']}"),
    _Sealed(
        "versions",
        "put_version",
        {"endpoint_id": -1, "version": -1},
        200,
        ("endpoint_id", "version", "app_id", "document"),
        "document",
        _version,
        lambda row: f"version {row['version']} of endpoint {show('ep', row['endpoint_id'])}",
    ),
    _Sealed(
        "answers",
        "put_answer",
        {"app_id": "", "kind": "", "key": ""},
        200,
        ("app_id", "kind", "key", "answer"),
        "answer",
        _answer,
        lambda row: f"an answer of app {row['app_id']}",
    ),
)


def reseal(connection: Connection, sealer: Sealer) -> dict[str, int]:
    """Seal everything with the key that `sealer` seals with, and see to it that nothing is left; return how many values
    were sealed anew, by kind.

    Raises:
        Unavailable: something cannot be opened with any key, or others go on sealing with the other key.
    """
    done = dict.fromkeys((kind.name for kind in KINDS), 0)
    for _ in range(_MOST_PASSES):
        renewed = {kind.name: _pass(connection, kind, sealer) for kind in KINDS}
        done = {name: count + renewed[name] for name, count in done.items()}
        if not any(renewed.values()):
            break
    left = sum(_pass(connection, kind, sealer, write=False) for kind in KINDS)
    if left:
        raise Unavailable(
            f"{left} values were sealed with the other key meanwhile: give every node the new one as "
            "REELHOOK_SECRET_KEY, and run `reelhook rekey` again"
        )
    return done


def _pass(connection: Connection, kind: _Sealed, sealer: Sealer, *, write: bool = True) -> int:
    """Go through all rows of a kind once, opening what is sealed; return how many were, or are to be, sealed anew."""
    others = sealer.other_ids
    after: dict[str, Any] | None = {**kind.first, "limit": kind.limit, "other": others[0] if others else b""}
    renewed = 0
    while after is not None:
        connection.begin(write=write)
        try:
            rows = _rows(connection, kind, after)
            renewed += sum(_renewed(connection, kind, sealer, row, write=write) for row in rows)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        after = {**after, **dict(zip(kind.row, rows[-1], strict=True))} if len(rows) == kind.limit else None
    return renewed


def _rows(connection: Connection, kind: _Sealed, after: dict[str, Any]) -> list[Row]:
    """Read the next page."""
    names = [*kind.first, "limit", *(["other"] if kind.name == "answers" else [])]
    return select(connection, _SQL[kind.name], {name: after[name] for name in names})


def _renewed(connection: Connection, kind: _Sealed, sealer: Sealer, found: Row, *, write: bool) -> int:
    row = dict(zip(kind.row, found, strict=True))
    try:
        renewed = kind.renew(sealer, row)
    except SealBroken:
        raise Unavailable(
            f"{kind.called(row)} cannot be opened with REELHOOK_SECRET_KEY nor with REELHOOK_SECRET_KEY_OTHER: its row "
            "was changed or copied by hand, or it was sealed with a third key"
        ) from None
    if renewed == row[kind.value] or not write:
        return int(renewed != row[kind.value])
    values = {name: row[name] for name in (*kind.first, kind.value)}
    connection.execute(_SQL[kind.put], {**values, "renewed": renewed})
    return connection.changes()
