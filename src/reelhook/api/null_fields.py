"""Null in a body says "as if it were not there"; of a field that there is not, that is a mistake and no wish."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from reelhook.errors import FieldError, Invalid
from reelhook.model.pointer import pointer


def refuse_unknown_nulls(kind: type[msgspec.Struct], values: Mapping[str, Any]) -> None:
    """Refuse nulls in fields that a kind does not have: merged, they would vanish before anybody checks their names.

    Raises:
        Invalid: and which fields there are not.
    """
    found = list(_unknown(_described(kind), values, ()))
    if found:
        errors = tuple(FieldError("unknown field", pointer(*steps)) for steps in found)
        raise Invalid(f"unknown field: {found[0][-1][:80]}", errors=errors)


@cache
def _described(kind: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(kind)


def _unknown(kind: inspect.Type, values: Mapping[str, Any], steps: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    fields = _fields(kind)
    if not fields:
        return  # its fields are the client's own
    for name, value in values.items():
        if value is None and name not in fields:
            yield (*steps, name)
        elif isinstance(value, dict):
            for inner in fields.get(name, ()):
                yield from _unknown(inner, value, (*steps, name))


def _fields(kind: inspect.Type) -> dict[str, list[inspect.Type]]:
    """Return the fields that a value may have, each with the kinds of what may stand in it."""
    match kind:
        case inspect.Metadata():
            return _fields(kind.type)
        case inspect.StructType():
            tag: dict[str, list[inspect.Type]] = {} if kind.tag_field is None else {kind.tag_field: []}
            return tag | {field.encode_name: [field.type] for field in kind.fields}
        case inspect.UnionType():
            merged: dict[str, list[inspect.Type]] = {}
            for one in kind.types:
                for name, kinds in _fields(one).items():
                    merged[name] = merged.get(name, []) + kinds
            return merged
    return {}
