"""The dialects that there are. A new one is a room of its own and one line here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reelhook.dialects.cloudevents import CLOUD_EVENTS
from reelhook.dialects.dialect import Dialect
from reelhook.dialects.scaleflex import SCALEFLEX
from reelhook.dialects.standard import STANDARD
from reelhook.dialects.videocloud import VIDEOCLOUD
from reelhook.dialects.vidizmo import VIDIZMO
from reelhook.dialects.vimeo import VIMEO
from reelhook.dialects.wochit import WOCHIT
from reelhook.errors import FieldError, Invalid

_ROOMS: Final[tuple[Dialect, ...]] = (
    STANDARD,
    CLOUD_EVENTS,
    VIMEO,
    VIDIZMO,
    VIDEOCLOUD,
    SCALEFLEX,
    WOCHIT,
)

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType({room.name: room for room in _ROOMS})
"""Every dialect by the name that `endpoint.dialect` says."""


def dialect_named(name: str) -> Dialect:
    """Find a dialect.

    Raises:
        Invalid: there is none of this name.
    """
    try:
        return DIALECTS[name]
    except KeyError:
        detail = f"There is no dialect {name[:40]!r}; there are {', '.join(DIALECTS)}."
        raise Invalid(detail, errors=(FieldError(detail, "/dialect"),)) from None
