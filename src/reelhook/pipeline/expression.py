"""Filter expressions: CEL over `event`, compiled when saved, true or a reason why not."""

import re
from functools import cache
from typing import Any, Final

from reelhook.model.event import Event
from reelhook.model.instant import show_time
from reelhook.pipeline.event_data import decode
from reelhook.pipeline.expression_limits import refusal

LONGEST_EXPRESSION: Final = 2000

_ENVIRONMENT: Final = """
stdlib:
  exclude_macros: [map, filter]
variables:
  - name: event
    type: map<string, dyn>
"""
_NOISE: Final = re.compile(r"\A[A-Z_]+: (?:ERROR: )?|\s*\[[A-Z_]+\]\Z| \(in container ''\)")
_PLACE: Final = re.compile(r"<input>:(\d+):(\d+): ")
_LONG_NUMBER: Final = re.compile(rb"\d{19}")
_LARGEST: Final = 2**63 - 1


class Expression:
    """One compiled expression.

    Raises:
        ValueError: it cannot be compiled, is not about true or false, or says what is not allowed.
    """

    __slots__ = ("_program", "_types")

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST_EXPRESSION:
            raise ValueError(f"an expression has at most {LONGEST_EXPRESSION} characters, this one {len(text)}")
        reason = refusal(text)
        if reason is not None:
            raise ValueError(reason)
        environment, self._types = _environment()
        try:
            self._program = environment.compile(text)
        except RuntimeError as error:
            raise ValueError(_plain(error)) from None
        if self._program.return_type() not in (self._types.BOOL, self._types.DYN):
            raise ValueError("an expression must be true or false, such as event.data.asset.duration > 60")

    def objection(self, event: Event) -> str | None:
        """Say why the expression does not hold; None only when its value is exactly true.

        A missing key is an error value in CEL, no exception; it, other types and a used up budget are all objections.
        """
        try:
            value = self._program.eval(data={"event": view(event)})
            if value.type() == self._types.BOOL:
                return None if value.value() is True else "conditions.expression is false"
            failed = value.type() == self._types.ERROR
            reason = _plain(value.value()) if failed else "its value is neither true nor false"
        except (ValueError, RuntimeError) as error:
            reason = _plain(error)
        return f"conditions.expression failed: {reason}"


def view(event: Event) -> dict[str, Any]:
    """Return the event as expressions see it: the names of the API's event, times as RFC 3339.

    Raises:
        ValueError: the data cannot be decoded.
    """
    data = decode(event.data)
    if _LONG_NUMBER.search(event.data):
        data = _within_int64(data)
    return {
        "id": event.public_id,
        "type": event.type,
        "data": data,
        "occurred_at": show_time(event.occurred_at),
        "accepted_at": show_time(event.accepted_at),
        "ordering_key": event.ordering_key,
        "source": event.source,
    }


@cache
def _environment() -> tuple[Any, Any]:
    # Loaded on first use: the library is a 15 MB extension, and most installations filter without expressions.
    from cel_expr_python import cel

    config = cel.NewEnvConfigFromYaml(_ENVIRONMENT)
    return cel.NewEnv(config=config), cel.Type


def _within_int64(value: Any) -> Any:
    """Replace integers that CEL does not have by doubles; one such number anywhere would fail every expression."""
    if isinstance(value, dict):
        return {name: _within_int64(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_within_int64(item) for item in value]
    if isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        return _nearest_double(value)
    return value


def _nearest_double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _plain(error: object) -> str:
    """Write the library's message for people: one line, without its codes; long ones quote the event, so cut them."""
    message = _NOISE.sub("", str(error)).split("\n", maxsplit=1)[0]
    return _PLACE.sub(r"line \1, column \2: ", message)[:200] or "the evaluation failed"
