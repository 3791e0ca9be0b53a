"""The layout of a report: the head of its first page, the table that flows over all, the foot of each."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from reelhook.report.breaking import wrap
from reelhook.report.document import Document
from reelhook.report.model import Report
from reelhook.report.page import BAD, GOOD, HAIR, HEIGHT, INK, PALE, SHADE, WIDTH, Colour, Page

MARGIN: Final = 36.0
INNER: Final = WIDTH - 2 * MARGIN
BOTTOM: Final = HEIGHT - 44.0
"""Where the table ends on every page."""
SIZE: Final = 7.0
LEADING: Final = 9.4
PADDING: Final = 3.2
GAP: Final = 6.0
"""Points between two columns."""
_TONES: Final[dict[str, Colour]] = {"good": GOOD, "bad": BAD}
_KEPT: Final = 4096
"""So many cells are remembered: an endpoint's id, name and URL stand in every one of its rows."""


class Setting(NamedTuple):
    """A line that is ready to be put on a page: its operators, how far it is from the left, its colour."""

    text: bytes
    indent: float
    colour: Colour


Cell = tuple[Setting, ...]


def lay_out(report: Report) -> bytes:
    """Set a report, and return it as a PDF file."""
    return _Layout(report).file()


class _Layout:
    def __init__(self, report: Report) -> None:
        self._report: Final = report
        self._document: Final = Document()
        self._cell = lru_cache(maxsize=_KEPT)(self._set_cell)
        shares = sum(column.share for column in report.columns)
        self._widths: Final = [INNER * column.share / shares for column in report.columns]
        self._headings: Final = [
            self._set(column.heading, width - GAP, SIZE, INK, bold=True)
            for column, width in zip(report.columns, self._widths, strict=True)
        ]
        self._page: Page
        self._y = 0.0

    def file(self) -> bytes:
        """Lay out all pages and write them."""
        report = self._report
        self._begin_report()
        self._put_headings()
        if not report.rows:
            self._put(self._set(report.empty, INNER, 9, PALE), MARGIN, self._y + 18, 12)
        for row in report.rows:
            self._put_row([self._cell(text, place) for place, text in enumerate(row)])
        self._put_feet()
        return self._document.file(f"{report.title}: {report.subtitle}", report.producer, report.created_at)

    def _begin_report(self) -> None:
        self._page, self._y = self._document.new_page(), MARGIN
        self._put_block(self._report.title, 18, INK, 24, bold=True)
        self._put_block(self._report.subtitle, 10.5, PALE, 15)
        self._y += 8
        self._put_facts()
        self._y += 6
        self._put_figures()
        self._y += 16

    def _put_block(self, text: str, size: float, colour: Colour, leading: float, *, bold: bool = False) -> None:
        lines = self._set(text, INNER, size, colour, bold=bold)
        self._put(lines, MARGIN, self._y + size, leading)
        self._y += leading * len(lines)

    def _put_facts(self) -> None:
        """Put labels and values in two columns, side by side."""
        facts = self._report.facts
        half = (len(facts) + 1) // 2
        for pair in zip(facts[:half], [*facts[half:], ("", "")], strict=False):
            height = 0.0
            for side, (label, value) in enumerate(pair):
                x = MARGIN + side * INNER / 2
                self._put(self._set(label, 78, 8, PALE), x, self._y + 8, 11)
                lines = self._set(value, INNER / 2 - 100, 8, INK)
                self._put(lines, x + 82, self._y + 8, 11)
                height = max(height, 11.0 * len(lines))
            self._y += height + 2

    def _put_figures(self) -> None:
        """Put the figures in boxes of one width."""
        figures = self._report.figures
        width = min(INNER / max(len(figures), 1), 140)
        for place, (label, value) in enumerate(figures):
            x = MARGIN + place * width
            self._page.box(x, self._y, width - 8, 40, SHADE)
            self._put(self._set(value, width - 24, 14, INK, bold=True)[:1], x + 8, self._y + 19, 14)
            self._put(self._set(label, width - 24, 7, PALE)[:1], x + 8, self._y + 32, 9)
        self._y += 40 if figures else 0

    def _begin_page(self) -> None:
        self._page, self._y = self._document.new_page(), MARGIN
        running = f"{self._report.title}: {self._report.subtitle}"
        self._put(self._set(running, INNER, SIZE, PALE)[:1], MARGIN, self._y, LEADING)
        self._y += 8
        self._put_headings()

    def _put_headings(self) -> None:
        height = LEADING * max((len(one) for one in self._headings), default=1) + 2 * PADDING
        self._page.box(MARGIN, self._y, INNER, height, SHADE)
        self._put_cells(self._headings, 0, None)
        self._y += height
        self._page.rule(MARGIN, self._y, INNER, PALE, 0.6)

    def _put_row(self, cells: Sequence[Cell]) -> None:
        """Put a row on the page, or on the next; one that fits no page is continued on the next."""
        count, done = max(map(len, cells), default=0), 0
        while done < count:
            room = int((BOTTOM - self._y - 2 * PADDING) / LEADING)
            fresh = self._y < BOTTOM / 2
            if room < count - done and (not fresh or room < 1):
                self._begin_page()
                continue
            self._put_cells(cells, done, done + room)
            self._y += LEADING * min(room, count - done) + 2 * PADDING
            self._page.rule(MARGIN, self._y, INNER, HAIR)
            done += room

    def _put_cells(self, cells: Sequence[Cell], start: int, end: int | None) -> None:
        x = MARGIN
        for cell, width in zip(cells, self._widths, strict=True):
            self._put(cell[start:end], x + GAP / 2, self._y + PADDING + SIZE, LEADING)
            x += width

    def _put(self, lines: Sequence[Setting], x: float, y: float, leading: float) -> None:
        for place, line in enumerate(lines):
            if line.text:
                self._page.text(line.text, x + line.indent, y + place * leading, line.colour)

    def _put_feet(self) -> None:
        """Number the pages, now that it is known how many there are."""
        y = HEIGHT - 22
        for number, page in enumerate(self._document.pages, 1):
            self._page = page
            page.rule(MARGIN, y - 12, INNER, HAIR)
            self._put(self._set(self._report.note, INNER - 100, SIZE, PALE)[:1], MARGIN, y, LEADING)
            paging = f"Page {number} of {len(self._document.pages)}"
            width = self._document.shaper.width(paging) * SIZE / 1000
            self._put(self._set(paging, INNER, SIZE, PALE), WIDTH - MARGIN - width, y, LEADING)

    def _set_cell(self, text: str, place: int) -> Cell:
        first, _, asides = text.partition("\n")
        column, width = self._report.columns[place], self._widths[place] - GAP
        tone = column.tones.get(first)
        lines = self._set(first, width, SIZE, _TONES.get(tone or "", INK))
        return (*lines, *self._set(asides, width, SIZE, PALE)) if asides else lines

    def _set(self, text: str, width: float, size: float, colour: Colour, *, bold: bool = False) -> Cell:
        """Break a text into lines; of several, those that run from right to left stand at the right."""
        lines = wrap(self._document.shaper, text, width, size, bold=bold)
        return tuple(
            Setting(
                self._document.written(line, size),
                width - line.width * size / 1000 if line.right_to_left and len(lines) > 1 else 0.0,
                colour,
            )
            for line in lines
        )
