"""Links: which links of an event are about to die, and the event as it is with fresh ones in their places.

An event says itself until when its links work (`asset.url_expires_at`, `thumbnails[].expires_at`); where it does not,
its dialect may know how long they last. Everything else in the data stays as it was posted, to the byte.
"""

from typing import Any, Final, NamedTuple

import msgspec

from reelhook.dialects.dialect import Carried
from reelhook.model.attempt import PrepareFailed
from reelhook.model.event import Event
from reelhook.model.instant import read_time, show_time
from reelhook.ports import FreshLinks

MARGIN_MS: Final = 5 * 60 * 1000
"""A link with less life than this is not sent: the receiver needs time to fetch."""

Texts = dict[str, msgspec.Raw]


class _Asset(msgspec.Struct, gc=False):
    id: Any = None
    ids: Any = None
    url: Any = None
    url_expires_at: Any = None
    thumbnails: Any = None


class _Data(msgspec.Struct, gc=False):
    asset: _Asset | None = None


class Dying(NamedTuple):
    """What must be refreshed before an event is sent: whether its URL, and which of its thumbnails, by place.
    `has_url`: it has one at all, dying or not; `first`: the place of the first thumbnail that is a link.
    """

    asset_id: str | int | None
    ids: dict[str, Any]
    has_url: bool
    url: bool
    thumbnails: frozenset[int]
    first: int | None


_data: Final = msgspec.json.Decoder(_Data)
_texts: Final = msgspec.json.Decoder(Texts)
_list: Final = msgspec.json.Decoder(list[msgspec.Raw])
_encode: Final = msgspec.json.Encoder().encode


def dying(event: Event, carried: Carried, link_life: float | None, now: int) -> Dying | None:
    """Return what dies within five minutes of the links that the body of an event carries; None when nothing does.
    `link_life` (s) is how long links last that do not say so themselves, `now` is wall time in ms.

    Raises:
        PrepareFailed: something does, of an asset without any id, so that nobody can be asked for it.
    """
    try:
        asset = _data.decode(event.data).asset
    except (msgspec.MsgspecError, RecursionError):
        return None
    if asset is None:
        return None
    unsaid = None if link_life is None else event.occurred_at + round(link_life * 1000)
    has_url = _is_link(asset.url)
    url = carried.url and has_url and _dies(asset.url_expires_at, unsaid, now)
    items = asset.thumbnails if isinstance(asset.thumbnails, list) and carried.thumbnails != 0 else []
    places = [place for place, item in enumerate(items) if _is_link(_url_of(item))]
    thumbnails = frozenset(place for place in places if _dies(_expiry_of(items[place]), unsaid, now))
    if not url and thumbnails.isdisjoint(places[: carried.thumbnails]):
        return None
    asset_id, ids = _ids_of(asset)
    return Dying(asset_id, ids, has_url, url, thumbnails, places[0] if places else None)


def _ids_of(asset: _Asset) -> tuple[str | int | None, dict[str, Any]]:
    own = asset.id if isinstance(asset.id, str | int) and not isinstance(asset.id, bool) else None
    ids = asset.ids if isinstance(asset.ids, dict) else {}
    if own is None and not ids:
        detail = "The event's links have expired, and its asset has neither id nor ids to ask for fresh ones by."
        raise PrepareFailed(detail, transient=True)
    return own, ids


def renewed(event: Event, found: Dying, fresh: FreshLinks) -> Event:
    """Return the event with fresh links: its URL, and its first thumbnail. Others that die are left out, because nobody
    gives fresh ones for them; so is the first of an asset with a URL, where the app gives URLs alone.

    Raises:
        PrepareFailed: a link that is needed was not given.
    """
    if found.url and fresh.url is None:
        raise PrepareFailed("The app's link_refresh answered without a url.", transient=True)
    if not found.has_url and found.first in found.thumbnails and fresh.thumbnail_url is None:
        raise PrepareFailed("The app's link_refresh answered without a thumbnail_url.", transient=True)
    data = _texts.decode(event.data)
    asset = _texts.decode(data["asset"])
    if fresh.url is not None and found.has_url:
        asset["url"] = _raw(fresh.url)
        _set_expiry(asset, "url_expires_at", fresh.expires_at)
    if found.first is not None:
        asset["thumbnails"] = _raw(_thumbnails(asset["thumbnails"], found, fresh))
    data["asset"] = _raw(asset)
    return msgspec.structs.replace(event, data=_encode(data))


def _thumbnails(text: msgspec.Raw, found: Dying, fresh: FreshLinks) -> list[msgspec.Raw]:
    items = []
    for place, item in enumerate(_list.decode(text)):
        if place == found.first and fresh.thumbnail_url is not None:
            items.append(_thumbnail(item, fresh.thumbnail_url, fresh.expires_at))
        elif place not in found.thumbnails:
            items.append(item)
    return items


def _thumbnail(item: msgspec.Raw, url: str, expires_at: int | None) -> msgspec.Raw:
    if not bytes(item).lstrip().startswith(b"{"):
        return _raw(url)
    fields = _texts.decode(item)
    fields["url"] = _raw(url)
    _set_expiry(fields, "expires_at", expires_at)
    return _raw(fields)


def _set_expiry(fields: Texts, name: str, expires_at: int | None) -> None:
    """Say until when the fresh link works; what was said of the old one goes in any case."""
    if expires_at is not None:
        fields[name] = _raw(show_time(expires_at))
    else:
        fields.pop(name, None)


def _dies(said: Any, unsaid: int | None, now: int) -> bool:
    expires_at = unsaid
    if isinstance(said, str):
        try:
            expires_at = read_time(said)
        except ValueError:
            expires_at = unsaid
    return expires_at is not None and expires_at - now < MARGIN_MS


def _url_of(thumbnail: Any) -> Any:
    return thumbnail.get("url") if isinstance(thumbnail, dict) else thumbnail


def _expiry_of(thumbnail: Any) -> Any:
    return thumbnail.get("expires_at") if isinstance(thumbnail, dict) else None


def _is_link(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
