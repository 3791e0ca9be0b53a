"""The canonical data of a media event, read tolerantly: whatever was posted, a dialect finds what it needs or nothing.

Data are checked against their schema only where an app asks for it, so nothing here relies on a type.
"""

from typing import Any, Final

from reelhook.model.any_json import read_any
from reelhook.model.event import Event

_NOTHING: Final[dict[str, Any]] = {}


class Media:
    """What one event says: the asset, and what stands beside it. Absent parts are empty objects."""

    __slots__ = ("asset", "data")

    def __init__(self, event: Event) -> None:
        """Decode the event's data.

        Raises:
            msgspec.MsgspecError: they are not JSON.
        """
        decoded = read_any(event.data)
        self.data: Final[dict[str, Any]] = decoded if isinstance(decoded, dict) else _NOTHING
        self.asset: Final = self.part("asset")

    def part(self, name: str) -> dict[str, Any]:
        """Return an object of the data (`live`, `user`, `comment`, `error` …); empty when it is none."""
        value = self.data.get(name)
        return value if isinstance(value, dict) else _NOTHING

    def items(self, name: str) -> list[Any]:
        """Return a list of the asset (`renditions`, `thumbnails`, `tags` …); empty when it is none."""
        value = self.asset.get(name)
        return value if isinstance(value, list) else []

    def changes(self) -> list[dict[str, Any]]:
        """Return what changed, each `{field, from, to}`."""
        value = self.data.get("changes")
        return [change for change in value if isinstance(change, dict)] if isinstance(value, list) else []

    def thumbnail(self) -> str | None:
        """Return the address of the first thumbnail, which may be written as a plain URL."""
        for one in self.items("thumbnails"):
            url = one.get("url") if isinstance(one, dict) else one
            if isinstance(url, str):
                return url
        return None


def foreign_id(subject: dict[str, Any], system: str) -> str | int | None:
    """Return what a system calls a subject: `ids.<system>` where it is known there, else our own `id`."""
    ids = subject.get("ids")
    known = ids.get(system) if isinstance(ids, dict) else None
    value = known if known is not None and known != "" else subject.get("id")
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that have a value, in order: what is absent is left out of a body."""
    return {name: value for name, value in fields.items() if value is not None}
