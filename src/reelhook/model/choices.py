"""Which words a field may hold: looked up in the type, so that an error can name them."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import inspect


def choices(kind: Any, steps: Sequence[str]) -> list[str]:
    """Return the words that may stand where these steps lead, in the order of the type; none when any may."""
    return list(dict.fromkeys(_choices(inspect.type_info(kind), list(steps))))


def _choices(found: inspect.Type, steps: list[str]) -> Iterable[str]:
    match found:
        case inspect.Metadata():
            yield from _choices(found.type, steps)
        case inspect.UnionType():
            for each in found.types:
                yield from _choices(each, steps)
        case inspect.StructType() if steps:
            yield from _in_struct(found, steps[0], steps[1:])
        case inspect.DictType() if steps:
            yield from _choices(found.value_type, steps[1:])
        case inspect.CollectionType() if steps:
            yield from _choices(found.item_type, steps[1:])
        case inspect.EnumType() if not steps:
            yield from (str(member.value) for member in found.cls)
        case inspect.LiteralType() if not steps:
            yield from map(str, found.values)
        case _:
            pass


def _in_struct(found: inspect.StructType, name: str, rest: list[str]) -> Iterable[str]:
    if name == found.tag_field and not rest:
        yield str(found.tag)
    for field in found.fields:
        if field.encode_name == name:
            yield from _choices(field.type, rest)
