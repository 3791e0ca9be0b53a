"""The log as CSV (RFC 4180), written page by page as it is read."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from typing import Final

from reelhook.api.lists import LARGEST_PAGE
from reelhook.api.log_columns import HEADER, cells
from reelhook.model.attempt import Attempt
from reelhook.model.page import LogFilter, Page
from reelhook.ports import Log

CSV_TYPE: Final = "text/csv; charset=utf-8"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


async def write_csv(log: Log, where: LogFilter, page: Page[Attempt]) -> AsyncIterator[bytes]:
    """Write the header and then every attempt that the filter names, newest first; `page` is the first of them."""
    yield _lines([HEADER])
    while True:
        if page.items:
            yield _lines(map(_row, page.items))
        if page.next is None:
            return
        page = await log.attempts(where, page.next, LARGEST_PAGE)


def _row(attempt: Attempt) -> tuple[str, ...]:
    return tuple(map(plain, cells(attempt)))


def plain(cell: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula: such a one gets an apostrophe in front (OWASP)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _lines(rows: Iterable[tuple[str, ...]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()
