"""Subject: the asset that an event is about, as far as it must be known before the event is matched or sent."""

from typing import Any, Final, NamedTuple

import msgspec

from reelhook.dialects.table import DIALECTS
from reelhook.pipeline.about import read_about, read_data

LONGEST_ID: Final = 256
LONGEST_CONTEXT: Final = 16 * 1024
"""Characters of a context that is remembered; what is longer is for its own event alone."""
_MARK: Final = b'"conte'
"""How `"context"` begins: shorter, and without the quote that is everywhere in JSON, it is looked for twice as fast."""
_SYSTEMS: Final = tuple(room.name for room in DIALECTS.values() if room.defaults.remembers_context)
"""Whose ids (`asset.ids`) a context is known by, beside the asset's own."""


class Subject(NamedTuple):
    """An asset: its own `id`, all `ids` that its context is known by (the own one first), its context in this event."""

    id: str | None = None
    ids: tuple[str, ...] = ()
    context: str | None = None


_NOTHING: Final = Subject()


def subject_of(data: bytes | msgspec.Raw) -> Subject:
    """Read what an event is about; data of any other form are about nothing."""
    try:
        asset = read_data(data).asset
    except (msgspec.MsgspecError, RecursionError):
        return _NOTHING
    if asset is None:
        return _NOTHING
    own = _id(asset.id)
    ids: tuple[str, ...] = () if own is None else (own,)
    others = asset.ids
    if isinstance(others, dict):
        for system in _SYSTEMS:
            other = _id(others.get(system))
            if other is not None and other != own:
                ids += (other,)
    return Subject(own, ids, None if asset.context is None else _context(asset.context))


def asset_id(data: bytes) -> str | None:
    """Return the id of the asset that an event is about; None when it is about none."""
    try:
        about = read_about(data)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return None if about.asset is None or about.asset.id is None else str(about.asset.id)


def contexts_in(data: bytes) -> list[tuple[str, str]]:
    """Return the context that an event gives its asset, once for each of the asset's ids; mostly there is none, which
    costs next to nothing to see.
    """
    if _MARK not in data:
        return []
    subject = subject_of(data)
    return [] if subject.context is None else [(one, subject.context) for one in subject.ids]


def _id(value: Any) -> str | None:
    if type(value) is int:
        value = str(value)
    if type(value) is not str or not 0 < len(value) <= LONGEST_ID or "\0" in value:
        return None
    return value


def _context(value: Any) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_CONTEXT or "\0" in value:
        return None
    return value
