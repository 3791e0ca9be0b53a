"""What an event is about: the ids under which its asset can be searched for."""

from typing import Any, Final

import msgspec

_LONGEST: Final = 256
_MOST: Final = 16


class _Data(msgspec.Struct, gc=False):
    asset: Any = None
    live: Any = None


_data: Final = msgspec.json.Decoder(_Data)


def asset_ids(data: bytes) -> set[str]:
    """Return the id of the event's asset or live stream, and what other systems call it (`ids`).

    Data of an app's own types may be any JSON; what does not look like an asset has no ids.
    """
    try:
        subject = _data.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return set()
    found: list[Any] = []
    for thing in (subject.asset, subject.live):
        if isinstance(thing, dict):
            found.append(thing.get("id"))
            others = thing.get("ids")
            found.extend(others.values() if isinstance(others, dict) else ())
    return {text for text in map(_as_text, found[:_MOST]) if text}


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if len(text) <= _LONGEST else None
