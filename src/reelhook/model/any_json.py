"""JSON of any kind, decoded whatever numbers stand in it."""

import json
from typing import Any, Final

import msgspec

_MOST_DIGITS: Final = 4300
"""Digits of a whole number that is kept exactly, by either decoder; Python converts no longer ones."""
_decoder: Final = msgspec.json.Decoder()


def read_any(data: bytes) -> Any:
    """Decode JSON. A number beyond a double (`1e400`), which is none to most programs, becomes an infinite one; written
    again it is null.

    Raises:
        msgspec.MsgspecError: it is not JSON.
        RecursionError: it is nested too deep.
    """
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError:
        pass  # the fast decoder says this of such numbers alone
    try:
        return json.loads(data, parse_int=_whole)
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)
