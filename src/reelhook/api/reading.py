"""Reads what strangers send: bodies into typed values, merge-patches, query strings; errors say what and where."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar

import msgspec

from reelhook.api.merge_patch import merge_patch
from reelhook.api.null_fields import refuse_unknown_nulls
from reelhook.api.problem import UnsupportedMediaType
from reelhook.errors import FieldError, Invalid, Malformed
from reelhook.model.decoding import convert, kind_of, read_json
from reelhook.model.instant import read_time
from reelhook.model.pointer import pointer
from reelhook.model.secret import Secret

T = TypeVar("T")
DEEPEST: Final = 64
"""How deep a management body may be nested; events have their own limit."""
_ANY: Final = msgspec.json.Decoder(Any)
_PATCH_TYPES: Final = frozenset({"application/json", "application/merge-patch+json"})
_JSON_TYPES: Final = _PATCH_TYPES | {"text/json"}


class Input(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a client may send. Fields in `READ_ONLY` are answered by us; sent back they are ignored, so that a client
    may read a thing, edit it and send it back whole. Null takes a field back to its default, any field unless
    `NULLABLE` names those.
    """

    READ_ONLY: ClassVar[tuple[str, ...]] = ()
    NULLABLE: ClassVar[tuple[str, ...] | None] = None

    @classmethod
    def lets_go(cls, name: str, value: Any) -> bool:
        """Tell whether a field that holds this is as if it were not there."""
        return value is None and (cls.NULLABLE is None or name in cls.NULLABLE)


I = TypeVar("I", bound=Input)  # noqa: E741 - I for input
Q = TypeVar("Q", bound=msgspec.Struct)


class Patch(Generic[I]):
    """A merge-patch of a thing of this kind."""

    def __init__(self, kind: type[I], values: Mapping[str, Any]) -> None:
        self.kind = kind
        self.values = {name: value for name, value in values.items() if name not in kind.READ_ONLY}

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def onto(self, current: Mapping[str, Any]) -> I:
        """Merge it into what the client sees now, and check the whole.

        Raises:
            Invalid: the result does not have the shape.
        """
        nulls = [name for name, value in self.values.items() if value is None and not self.kind.lets_go(name, value)]
        return self.check({**merge_patch(current, self.values), **dict.fromkeys(nulls)})

    def check(self, merged: Mapping[str, Any]) -> I:
        """Check a merged document."""
        allowed = {name: value for name, value in merged.items() if name not in self.kind.READ_ONLY}
        return convert(allowed, self.kind, dec_hook=read_secret)


def read_input(kind: type[I], raw: bytes) -> I:
    """Read the body of a request that creates or does something; an empty one is `{}`.

    A null says "as if it were not there", as it does in a merge-patch.
    """
    values = _fields(kind, raw)
    given = {name: value for name, value in values.items() if not kind.lets_go(name, value)}
    return convert(given, kind, dec_hook=read_secret)


def read_patch(kind: type[I], raw: bytes) -> Patch[I]:
    """Read the body of a PATCH."""
    return Patch(kind, _fields(kind, raw))


def read_query(kind: type[Q], pairs: Sequence[tuple[str, str]]) -> Q:
    """Read a query string; a parameter that is not known, or is there twice, is refused: it would change nothing
    silently. An integer is written in digits: `2.0` is not one.

    Where `kind` lets pass what it does not know, as foreign APIs do, the last of several counts.
    """
    given = dict(pairs)
    if len(given) < len(pairs) and kind.__struct_config__.forbid_unknown_fields:
        name = next(name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place]))
        raise invalid("this parameter is given more than once", pointer(name[:80]))
    query: Q = convert(given, kind, strict=False, str_keys=True)
    for name, text in given.items():
        value = getattr(query, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and not (text.isascii() and text.isdecimal()):
            raise invalid("expected an integer in digits", pointer(name))
    return query


def read_moment(text: str | None, field: str) -> int | None:
    """Read a time (RFC 3339) of a body or a query into ms; None for None."""
    if text is None:
        return None
    try:
        # In a query string "+" says space, and clients forget to write %2B.
        return read_time(text[:-6] + "+" + text[-5:] if text[-6:-5] == " " else text)
    except ValueError as error:
        raise invalid(str(error), f"/{field}") from None


def read_secret(kind: type, value: Any) -> Any:
    """Decode the one type of ours that msgspec does not know."""
    if kind is not Secret or not isinstance(value, str):
        raise ValueError(f"expected string, got {kind_of(value)}")
    return Secret(value)


def whole(pattern: str, *, min_length: int | None = None, max_length: int | None = None) -> msgspec.Meta:
    r"""Constrain a text to match from its first to its last character; `$` would overlook a newline at the end. The
    documentation says `$` all the same: it means this in the dialect of JSON Schema, which has no `\Z`.
    """
    return msgspec.Meta(pattern=rf"^{pattern}\Z", min_length=min_length, max_length=max_length)


def check_media_type(content_type: str | None, content_encoding: str | None, *, patches: bool = False) -> None:
    """Refuse bodies that say they are not plain JSON in UTF-8; a body that says nothing is taken at its word. A patch
    may be of one kind only: taken for a merge-patch, any other would change something else than it says.

    Raises:
        UnsupportedMediaType: and what to send.
    """
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise UnsupportedMediaType("send the body without Content-Encoding")
    if not content_type:
        return
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if patches and kind not in _PATCH_TYPES:
        raise UnsupportedMediaType("send a merge-patch, with Content-Type: application/merge-patch+json")
    if kind not in _JSON_TYPES and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType("send JSON, with Content-Type: application/json")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaType("send the body in UTF-8")


def invalid(detail: str, where: str = "") -> Invalid:
    """Say that one thing is wrong; `where` is a JSON pointer."""
    return Invalid(detail, errors=(FieldError(detail, where),))


def refuse(errors: list[FieldError]) -> None:
    """Raise when there is anything wrong, the first thing in front."""
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise Invalid(f"{errors[0].pointer or 'the body'}: {errors[0].detail}{more}", errors=tuple(errors))


def _fields(kind: type[Input], raw: bytes) -> dict[str, Any]:
    """Read a body as what it says of a thing of this kind; what only we say of it is left out."""
    values = {name: value for name, value in _object(raw).items() if name not in kind.READ_ONLY}
    if b"null" in raw:
        refuse_unknown_nulls(kind, values)
    return values


def _object(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        return {}
    value = read_json(_ANY, raw)
    # Counting brackets is enough to let nearly every body through without a walk.
    if raw.count(b"[") + raw.count(b"{") > DEEPEST and _too_deep(value):
        raise Malformed(f"the body is nested deeper than {DEEPEST}")
    if not isinstance(value, dict):
        raise invalid("the body is a JSON object")
    return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
