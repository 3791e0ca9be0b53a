"""Documents: model values as JSON in a column, each secret in them sealed to its app, table, row and field."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec

from reelhook.model.secret import Secret
from reelhook.store.seal import Sealer, place_of

T = TypeVar("T", bound=msgspec.Struct)
Change = Callable[[str, str], str]
"""Takes a text and the path of its field; returns the text that shall stand there."""
_SEALED_MAPS: Final = frozenset({"headers"})
"""Maps whose values are sealed whole: customers put API keys into custom headers."""


class Documents:
    """Writes and reads documents. `row` names the row: app, table, and whatever is the row's key."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def write(self, value: msgspec.Struct, *row: str | int) -> bytes:
        """Return the value as JSON, its secrets sealed for this row."""

        def seal(text: str, path: str) -> str:
            return self._sealer.seal_text(text, place_of(*row, path))

        return msgspec.json.encode(_changed(value, "", seal), enc_hook=_reveal)

    def read(self, raw: bytes, kind: type[T], *row: str | int) -> T:
        """Return the value again.

        Raises:
            SealBroken: a secret in it was not sealed for this row and field.
        """

        def unseal(text: str, path: str) -> str:
            return self._sealer.open_text(text, place_of(*row, path))

        return cast("T", _changed(_decoder(kind).decode(raw), "", unseal))

    def renew(self, raw: bytes, kind: type[T], *row: str | int) -> bytes:
        """Return the document with every secret sealed with the key of today, and not a byte of it changed besides: a
        newer program may have written what this one does not know.

        Raises:
            SealBroken: a secret in it was not sealed for this row and field.
        """
        renewed: dict[str, str] = {}

        def renew(text: str, path: str) -> str:
            renewed[text] = self._sealer.renew_text(text, place_of(*row, path))
            return text

        _changed(_decoder(kind).decode(raw), "", renew)
        for before, after in renewed.items():
            raw = raw.replace(before.encode(), after.encode())
        return raw


@cache
def _decoder(kind: type[T]) -> "msgspec.json.Decoder[T]":
    return msgspec.json.Decoder(kind, dec_hook=_wrap)


def _changed(value: Any, path: str, change: Change) -> Any:
    """Return the value with every secret in it changed; what holds none is returned as it is."""
    if isinstance(value, Secret):
        return Secret(change(value.reveal(), path))
    if isinstance(value, msgspec.Struct):
        return _changed_struct(value, path, change)
    if isinstance(value, tuple):
        return tuple(_changed(item, f"{path}.{index}", change) for index, item in enumerate(value))
    if isinstance(value, dict) and path in _SEALED_MAPS:
        return {name: change(text, f"{path}.{name}") for name, text in value.items()}
    return value


def _changed_struct(value: msgspec.Struct, path: str, change: Change) -> msgspec.Struct:
    changes = {}
    for name in value.__struct_fields__:
        before = getattr(value, name)
        after = _changed(before, f"{path}.{name}" if path else name, change)
        if after is not before:
            changes[name] = after
    return msgspec.structs.replace(value, **changes) if changes else value


def _reveal(value: Any) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"a document cannot hold {type(value).__name__}")


def _wrap(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"a document cannot hold {kind.__name__}")
