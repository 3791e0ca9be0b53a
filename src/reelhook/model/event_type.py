"""An event type: a name in the catalogue, what it means, and the JSON Schema of its data."""

from typing import Any

import msgspec


class EventType(msgspec.Struct, frozen=True):
    """A built-in type (`app_id` None) or one of an app's own.

    `schema` is JSON Schema 2020-12 for `data`; `validate` refuses events at publish whose data do not fit it.
    """

    name: str
    category: str
    description: str
    schema: dict[str, Any] | bool = True
    example: Any = None
    version: int = 1
    validate: bool = False
    deprecated: bool = False
    app_id: str | None = None
    created_at: int = 0
    updated_at: int = 0
