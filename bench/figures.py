"""Turns what was counted into figures, and figures into text."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec


def percentile(sorted_values: "array[int] | list[int] | list[float]", share: float) -> float:
    """Return the value that `share` of the values do not exceed; 0 when there are none."""
    if not sorted_values:
        return 0.0
    return float(sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))])


def spread(nanoseconds: "Iterable[array[int]]") -> dict[str, float]:
    """Return p50, p99, p99.9 and the largest of all values together, in milliseconds, and how many there are."""
    values = sorted(value for part in nanoseconds for value in part)
    found = {name: percentile(values, share) / 1e6 for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))}
    return found | {"max": values[-1] / 1e6 if values else 0.0, "count": len(values)}


def number(value: Any) -> str:
    """Write a figure with three digits that mean something."""
    if not isinstance(value, int | float):
        return str(value)
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def write(title: str, figures: Mapping[str, Any]) -> str:
    """Write figures as a block of lines; a mapping inside becomes one line."""
    width = max(len(name) for name in figures)
    lines = [title, "-" * len(title)]
    for name, value in figures.items():
        said = "  ".join(f"{k} {number(v)}" for k, v in value.items()) if isinstance(value, Mapping) else number(value)
        lines.append(f"{name:<{width}}  {said}")
    return "\n".join(lines)


def table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[Any]]) -> str:
    """Write a table: a name and so many figures in each row, aligned."""
    cells = [["", *columns], *([name, *map(number, values)] for name, values in rows.items())]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns) + 1)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in cells]
    return "\n".join([title, "-" * len(title), *lines])


def as_json(figures: Mapping[str, Any]) -> str:
    """Write figures for machines."""
    return msgspec.json.encode(figures).decode()
