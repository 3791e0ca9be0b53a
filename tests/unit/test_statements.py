"""Statements over many rows: every row is written once, in a few statements whose texts come again."""

from pathlib import Path

import pytest

from reelhook.store.connection import _piece, open_writer
from reelhook.store.sql import Bulk, Statement

_INSERT = Statement.of("test", "insert", "INSERT INTO t VALUES :rows")


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 63, 64, 175, 511, 512, 513, 1100])
def test_every_row_is_written_once_and_counted(tmp_path: Path, count: int) -> None:
    connection = open_writer(tmp_path / "r.db")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a)")
    assert Bulk(_INSERT, 2).run(connection, [(number, str(number)) for number in range(count)]) == count
    assert connection.execute("SELECT count(*), count(DISTINCT a) FROM t").fetchone() == (count, count)


def test_any_number_of_rows_up_to_512_is_three_statements_at_most_of_two_dozen_sizes() -> None:
    sizes = set()
    for rows in range(1, 513):
        pieces = pieces_of(rows, width=4)
        sizes.update(pieces)
        assert len(pieces) <= 3
    assert len(sizes) <= 24


def test_a_statement_over_wide_rows_stays_prepared_however_many_rows_there_are(tmp_path: Path) -> None:
    # The driver keeps no text of more than 16 KiB: 512 rows of 18 columns were prepared anew for every commit.
    connection = open_writer(tmp_path / "r.db")
    connection.execute(f"CREATE TABLE t ({', '.join(f'c{number}' for number in range(18))})")
    insert = Bulk(_INSERT, 18)
    rows = [tuple(range(18))] * 512
    insert.run(connection, rows)
    before = connection.cache_stats()
    insert.run(connection, rows)
    after = connection.cache_stats()
    assert after["misses"] == before["misses"]
    assert after["too_big"] == before["too_big"]


def pieces_of(rows: int, width: int) -> list[int]:
    pieces: list[int] = []
    while sum(pieces) < rows:
        pieces.append(_piece(rows - sum(pieces), width))
    return pieces
