"""The built-in catalogue: one vocabulary of media events that every dialect translates from and to.

Each type has a JSON Schema for its data and an example. Schemas are permissive, because platforms know more than this
vocabulary: what is named has its type, everything else is let through.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reelhook.model.catalogue import (
    asset,
    draft,
    engagement,
    live,
    metadata,
    operational,
    system,
    user,
    workflow,
)
from reelhook.model.event_type import EventType

BUILT_IN: Final[Mapping[str, EventType]] = MappingProxyType(
    {
        event_type.name: event_type
        for room in (asset, live, metadata, draft, engagement, user, workflow, system, operational)
        for event_type in room.TYPES
    }
)
"""Every built-in type by its name."""
