"""What a report is made of, as plain values; pages, fonts and lines come later."""

import msgspec

Row = tuple[str, ...]
"""A cell for each column."""


class Column(msgspec.Struct, array_like=True):
    """A column: its heading, its share of the width, and the colours (`good`, `bad`) that some of its cells have."""

    heading: str
    share: float
    tones: dict[str, str] = {}


class Report(msgspec.Struct):
    """A title, what the report is about, its figures, and the table. `created_at` is ms since 1970.

    In a cell, lines after the first are asides. `empty` stands in the place of a table without rows, `note` at the
    foot of every page.
    """

    title: str
    subtitle: str
    facts: list[tuple[str, str]]
    figures: list[tuple[str, str]]
    columns: list[Column]
    rows: list[Row]
    empty: str
    note: str
    producer: str
    created_at: int
