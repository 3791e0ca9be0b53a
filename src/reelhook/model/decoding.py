"""Reads JSON from strangers into typed values; what is wrong is said in words and with a JSON pointer."""

import re
from collections.abc import Iterable
from types import NoneType
from typing import Any, TypeVar

import msgspec

from reelhook.errors import FieldError, Invalid, Malformed
from reelhook.model.choices import choices

T = TypeVar("T")
_AT = re.compile(r" - at `(?:key in )?\$(.*)`\Z")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`\Z")
_ANY_KEY = "..."
_GOT = re.compile(r"got `(\w+)`\Z")
_KINDS = {str: "str", int: "int", float: "float", bool: "bool", NoneType: "null", list: "array", dict: "object"}
_KIND = re.compile(r"`(\w+(?: \| \w+)*)`")
_WORDS = {"bool": "boolean", "str": "string", "int": "whole number", "float": "number"}
_WRONG_WORD = re.compile(r"Invalid (?:enum )?value (.*)\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`\Z")


def read_json(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """Decode a body.

    Raises:
        Malformed: it is not UTF-8, not JSON, or nested too deep.
        Invalid: it is JSON but does not have the shape; `errors` says where.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8 (byte {error.start})") from None
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        # The decoder stops at the first wrong type: what follows may not be JSON at all, which weighs more.
        raise refused(error, _require_json(body), decoder.type) from None
    except msgspec.DecodeError as error:
        raise _not_json(error) from None
    except RecursionError:
        raise Malformed("the body is nested too deep") from None


def _require_json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:
        return None  # a number out of range is JSON
    except msgspec.DecodeError as error:
        raise _not_json(error) from None
    except RecursionError:
        raise Malformed("the body is nested too deep") from None


def _not_json(error: msgspec.DecodeError) -> Malformed:
    return Malformed(f"the body is not JSON: {_plain(str(error))}")


def convert(value: Any, to: type[T], **options: Any) -> T:
    """Convert plain JSON values into a typed one, with errors as `read_json` gives them."""
    try:
        converted: T = msgspec.convert(value, to, **options)
    except msgspec.ValidationError as error:
        raise refused(error, value, to) from None
    except RecursionError:
        raise Malformed("the body is nested too deep") from None
    return converted


def refused(error: msgspec.ValidationError, value: Any = None, kind: Any = None) -> Invalid:
    """Say what a validation error says, with its place as a JSON pointer (RFC 6901) into `value`; where only certain
    words of the `kind` may stand, they are named.
    """
    message = str(error)
    found = _AT.search(message)
    place, text = ("", message) if found is None else (found.group(1), message[: found.start()])
    steps = _steps(place, text, value)
    pointer = "".join("/" + _escape(step) for step in steps)
    for pattern, words in ((_UNKNOWN, "unknown field"), (_MISSING, "missing field")):
        if match := pattern.match(text):
            field = match.group(1)
            return Invalid(f"{words}: {field[:80]}", errors=(FieldError(words, f"{pointer}/{_escape(field)}"),))
    wrong = _WRONG_WORD.match(text)
    allowed = choices(kind, steps) if wrong and kind is not None else []
    detail = f"expected {_one_of(allowed)}, got {wrong[1]}" if wrong and allowed else _in_words(text)
    return Invalid(f"{pointer or 'the body'}: {detail}", errors=(FieldError(detail, pointer),))


def kind_of(value: Any) -> str:
    """Return JSON's name of the kind of a value."""
    kind = _KINDS.get(type(value), "object")
    return _WORDS.get(kind, kind)


def _in_words(text: str) -> str:
    """Say what the decoder says, with JSON's names of kinds instead of Python's."""
    said = _KIND.sub(lambda found: _one_of([_WORDS.get(kind, kind) for kind in found[1].split(" | ")]), text)
    return said[:1].lower() + said[1:]


def _one_of(allowed: list[str]) -> str:
    return allowed[0] if len(allowed) == 1 else f"{', '.join(allowed[:-1])} or {allowed[-1]}"


def _steps(place: str, text: str, value: Any) -> list[str]:
    """Return the steps to a place. The decoder keeps silent about keys of mappings: such a key is looked for by the
    type of its value, and where that is not told the mapping itself is the place.
    """
    steps = [name or index for name, index in _STEP.findall(place)]
    if _ANY_KEY not in steps:
        return steps
    got = _GOT.search(text)
    exact = _find(steps, value, got.group(1)) if got else None
    return steps[: steps.index(_ANY_KEY)] if exact is None else exact


def _find(steps: list[str], value: Any, kind: str) -> list[str] | None:
    """Return the exact steps to the first value of this kind to which the steps may lead."""
    if not steps:
        return [] if _KINDS.get(type(value)) == kind else None
    for name, inner in _inside(value):
        if steps[0] in {_ANY_KEY, name}:
            rest = _find(steps[1:], inner, kind)
            if rest is not None:
                return [name, *rest]
    return None


def _inside(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return value.items()
    return ((str(place), inner) for place, inner in enumerate(value)) if isinstance(value, list) else ()


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _plain(message: str) -> str:
    return message.removeprefix("JSON is malformed: ")[:1].lower() + message.removeprefix("JSON is malformed: ")[1:]
