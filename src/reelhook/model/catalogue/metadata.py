"""Events about the fields and categories that a library describes its assets with."""

from typing import Final

from reelhook.model.catalogue.entry import media_type
from reelhook.model.catalogue.samples import change
from reelhook.model.event_type import EventType

_ATTRIBUTE: Final = {"id": "attr_17", "name": "Rights until", "type": "date"}

TYPES: Final[tuple[EventType, ...]] = (
    media_type(
        "metadata.attribute_added",
        "A custom attribute was added to the library.",
        {"attribute": _ATTRIBUTE},
        needs=("attribute",),
    ),
    media_type(
        "metadata.attribute_updated",
        "A custom attribute was changed.",
        {"attribute": _ATTRIBUTE, "changes": [change("name", "Rights", "Rights until")]},
        needs=("attribute",),
    ),
    media_type(
        "metadata.attribute_deleted",
        "A custom attribute was deleted.",
        {"attribute": _ATTRIBUTE},
        needs=("attribute",),
    ),
    media_type(
        "metadata.category_added",
        "A category was added to the library.",
        {"category": {"id": "cat_4", "name": "Nature"}},
        needs=("category",),
    ),
)
