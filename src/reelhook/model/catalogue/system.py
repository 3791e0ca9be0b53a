"""Events about the media platform itself."""

from typing import Final

from reelhook.model.catalogue.entry import media_type
from reelhook.model.event_type import EventType

_FULL: Final = {"code": "storage_full", "message": "The volume 'originals' is full; uploads are refused."}
_FILLING: Final = {"code": "storage_low", "message": "The volume 'originals' is 92 % full."}

TYPES: Final[tuple[EventType, ...]] = (
    media_type("system.error", "Something is broken and needs somebody.", {"error": _FULL}, needs=("error",)),
    media_type("system.warning", "Something may break soon.", {"error": _FILLING}, needs=("error",)),
)
