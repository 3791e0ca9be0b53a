"""What a schema of an event type may not contain, so that checking an event never leaves the machine nor runs away.

References stay inside the document. The validator remembers what it found at a recursive reference, so a verdict is
cheap; it copies out what other references name, so their chains are counted here: thirty short definitions that each
name the next one twice are a billion checks.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from reelhook.errors import FieldError, Invalid
from reelhook.model.pointer import pointer

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
LARGEST_SCHEMA: Final = 64 * 1024
"""Bytes of JSON."""
DEEPEST_SCHEMA: Final = 40
MOST_CHECKS: Final = 10_000
"""Subschemas, counted anew wherever a reference names them."""

_ONE: Final = frozenset(
    {
        "not",
        "if",
        "then",
        "else",
        "items",
        "contains",
        "additionalProperties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_UNUSED_UNTIL_NAMED: Final = frozenset({"$defs", "definitions"})
_DYNAMIC: Final = ("$dynamicRef", "$recursiveRef")


class Outline:
    """A schema's subschemas by their JSON pointers.

    Raises:
        Invalid: something in it is not allowed; `errors` says where.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._nodes: dict[str, Any] = {}
        self._anchors: dict[str, str] = {}
        self._collect("", schema, 0)
        self._costs: dict[str, int] = {}
        self.recursive = False
        """Whether a subschema names itself; then errors cannot be told in detail at a bounded price."""
        try:
            cost = self._cost("", ())
        except RecursionError:
            raise refused("the schema's references make too long a chain") from None
        if cost > MOST_CHECKS:
            raise refused(f"the schema's references add up to more than {MOST_CHECKS} checks; name them less often")

    def _collect(self, where: str, node: Any, depth: int) -> None:
        if depth > DEEPEST_SCHEMA:
            raise refused(f"the schema is nested deeper than {DEEPEST_SCHEMA} levels")
        self._nodes[where] = node
        if not isinstance(node, dict):
            return
        _check_words(node, where)
        if isinstance(node.get("$anchor"), str):
            self._anchors["#" + node["$anchor"]] = where
        for below, child in _children(node):
            self._collect(where + below, child, depth + 1)

    def _cost(self, where: str, above: tuple[str, ...]) -> int:
        """Count the checks from here on; a name that stands above already is a recursion, and counts once."""
        if where in above:
            self.recursive = True
            return 1
        if where not in self._costs:
            self._costs[where] = 1 + sum(self._cost(target, (*above, where)) for target in self._targets(where))
        return self._costs[where]

    def _targets(self, where: str) -> Iterator[str]:
        node = self._nodes[where]
        if not isinstance(node, dict):
            return
        for below, _ in _children(node):
            if below.split("/")[1] not in _UNUSED_UNTIL_NAMED:
                yield where + below
        if "$ref" in node:
            yield self._resolve(node["$ref"], where)

    def _resolve(self, reference: Any, where: str) -> str:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise refused("a $ref stays inside the schema (#/$defs/…); nothing is fetched", f"{where}/$ref")
        target = self._anchors.get(reference, unquote(reference[1:]))
        if target not in self._nodes:
            raise refused("this $ref names no subschema of this document", f"{where}/$ref")
        return target


def check_form(schema: dict[str, Any] | bool) -> None:
    """Refuse schemas that are too large or of another draft.

    Raises:
        Invalid: it is one.
    """
    try:
        size = len(msgspec.json.encode(schema))
    except RecursionError:
        raise refused("the schema is nested too deep") from None
    if size > LARGEST_SCHEMA:
        raise refused(f"a schema has at most {LARGEST_SCHEMA} bytes, this one {size}")
    if isinstance(schema, dict) and schema.get("$schema", DRAFT) not in (DRAFT, f"{DRAFT}#"):
        raise refused(f"schemas are JSON Schema 2020-12; leave $schema out, or write {DRAFT}", "/$schema")


def refused(detail: str, where: str = "") -> Invalid:
    """Make the error about a schema; `where` is a pointer inside it."""
    return Invalid(f"The schema cannot be used: {detail}.", errors=(FieldError(detail, f"/schema{where}"),))


def _check_words(node: dict[str, Any], where: str) -> None:
    for word in _DYNAMIC:
        if word in node:
            raise refused(f"{word} is not supported; use $ref", f"{where}/{word}")
    if where and "$id" in node:
        raise refused("a $id may stand at the top only", f"{where}/$id")


def _children(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        if name in _ONE:
            yield pointer(name), value
        elif name in _LISTS and isinstance(value, list):
            for place, item in enumerate(value):
                yield pointer(name, place), item
        elif name in _MAPS and isinstance(value, dict):
            for key, item in value.items():
                yield pointer(name, key), item
