"""Makes the entries of the catalogue."""

from typing import Any, Final

from reelhook.model.catalogue.shapes import DRAFT, PARTS, Schema
from reelhook.model.event_type import EventType

ALWAYS: Final = ("asset", "user", "changes", "error")
"""Parts that may stand beside any other."""


def media_type(
    name: str, description: str, example: dict[str, Any], *, needs: tuple[str, ...] = ("asset",), either: bool = False
) -> EventType:
    """Make a type whose data are parts of the common shapes; `needs` are required, or `either` of them is."""
    parts = dict.fromkeys((*needs, *ALWAYS, *(part for part in example if part in PARTS)))
    schema: Schema = {"$schema": DRAFT, "type": "object", "properties": {part: PARTS[part] for part in parts}}
    if either:
        schema["anyOf"] = [{"required": [part]} for part in needs]
    else:
        schema["required"] = list(needs)
    return of_schema(name, description, schema, example)


def of_schema(name: str, description: str, schema: Schema, example: dict[str, Any]) -> EventType:
    """Make a type with a schema of its own; its category is the first word of its name."""
    return EventType(
        name=name, category=name.partition(".")[0], description=description, schema=schema, example=example
    )
