"""Statements over many rows: every row is written once, in a few statements whose texts come again."""

import apsw
import pytest

from reelhook.store.statements import Bulk, _piece


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 63, 64, 175, 511, 512, 513, 1100])
def test_every_row_is_written_once_and_counted(count: int) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a)")
    bulk = Bulk("INSERT INTO t VALUES :rows", 2)
    assert bulk.run(connection, [(number, str(number)) for number in range(count)]) == count
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
