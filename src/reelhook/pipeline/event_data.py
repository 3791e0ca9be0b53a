"""Event data decoded, for the rules that look inside; the hot path leaves them raw."""

from typing import Any

import msgspec

from reelhook.model.any_json import read_any


def decode(data: bytes) -> Any:
    """Decode an event's data, whatever JSON they are.

    Raises:
        ValueError: they are not JSON, or nested too deep to be looked at.
    """
    try:
        return read_any(data)
    except RecursionError:
        raise ValueError("the data are nested too deep") from None
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None


def equal(left: Any, right: Any) -> bool:
    """Compare two JSON values: `1` and `1.0` are the same number, `1` and `true` are not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)
