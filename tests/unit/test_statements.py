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
        left, pieces = rows, 0
        while left:
            sizes.add(_piece(left))
            left -= _piece(left)
            pieces += 1
        assert pieces <= 3
    assert len(sizes) <= 24
