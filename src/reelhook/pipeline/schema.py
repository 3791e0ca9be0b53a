"""Schemas of event types: JSON Schema 2020-12 for `data`, compiled once, checked at publish where a type wants it."""

from functools import cache
from itertools import islice
from types import ModuleType
from typing import Any, Final

from reelhook.errors import FieldError
from reelhook.model.pointer import pointer
from reelhook.pipeline.event_data import decode
from reelhook.pipeline.schema_limits import Outline, check_form, refused

MOST_ERRORS: Final = 20
_LONGEST_DETAIL: Final = 200
_REGEX_SIZE: Final = 1 << 20
"""Bytes that a compiled pattern may take."""


class Validator:
    """One compiled schema."""

    __slots__ = ("_detailed", "_schema")

    def __init__(self, schema: Any, *, detailed: bool) -> None:
        self._schema = schema
        self._detailed = detailed

    def check(self, data: bytes) -> list[FieldError]:
        """Say what of an event's data does not fit, the first 20 things; pointers start at the data."""
        try:
            value = decode(data)
            if self._schema.is_valid(value):
                return []
            return self._errors(value)
        except ValueError as error:  # not JSON, a lone surrogate, or deeper than the validator goes
            return [FieldError(f"the data cannot be checked: {_short(error)}")]

    def _errors(self, value: Any) -> list[FieldError]:
        if not self._detailed:
            # Listing errors follows a recursive schema down every branch again and again; the verdict does not.
            return [FieldError("the data do not fit the schema of this event type")]
        found = islice(self._schema.iter_errors(value), MOST_ERRORS)
        return [FieldError(_short(error.message), pointer(*error.instance_path)) for error in found]


def compile_schema(schema: dict[str, Any] | bool) -> Validator:
    """Compile a schema.

    Patterns run on an engine whose time grows with the text alone, so look-around and back-references are refused;
    `format` is an annotation, as 2020-12 says.

    Raises:
        Invalid: it is no such schema, or says what is not allowed; `errors` points into `/schema`.
    """
    check_form(schema)
    library = _library()
    outline = Outline(schema) if isinstance(schema, dict) else None
    options = library.RegexOptions(size_limit=_REGEX_SIZE, dfa_size_limit=_REGEX_SIZE)
    try:
        compiled = library.Draft202012Validator(schema, pattern_options=options, offline=True, validate_formats=False)
    except library.ValidationError as error:
        raise refused(_short(error.message), pointer(*error.instance_path)) from None
    except ValueError as error:
        raise refused(_short(error)) from None
    return Validator(compiled, detailed=outline is None or not outline.recursive)


@cache
def _library() -> ModuleType:
    # Loaded on first use: an extension of several MB that is needed only where a type has a schema of its own.
    import jsonschema_rs

    return jsonschema_rs


def _short(error: object) -> str:
    text = str(error).split("\n", maxsplit=1)[0]
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"
