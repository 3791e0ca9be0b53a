"""The statements of PostgreSQL: what the driver gets for them, and that both backends say the same."""

import re
from importlib import resources
from typing import Final

import pytest

from reelhook.store.postgres.texts import Text, own_statements, text_of, translate
from reelhook.store.sql import Statement
from reelhook.store.statements import texts_of

_SQL: Final = resources.files("reelhook.store").joinpath("sql")
_PARAMETER: Final = re.compile(r"'[^']*'|--[^\n]*|::|:([a-z_]+)|\?")


def _files(backend: str) -> set[str]:
    return {one.name.removesuffix(".sql") for one in _SQL.joinpath(backend).iterdir() if one.name.endswith(".sql")}


def _parameters(sql: str) -> tuple[set[str], int]:
    found = [match for match in _PARAMETER.finditer(sql) if match[1] or match[0] == "?"]
    return {match[1] for match in found if match[1]}, sum(match[0] == "?" for match in found)


def test_parameters_are_numbered_in_the_order_in_which_they_are_first_named() -> None:
    text = translate("UPDATE t SET a = :b, c = :d WHERE e = :b AND f = 'x:y?' AND g::text = '1'")
    assert text == Text("UPDATE t SET a = $1, c = $2 WHERE e = $1 AND f = 'x:y?' AND g::text = '1'", ("b", "d"), False)
    assert text.arguments({"d": 2, "b": 1, "more": 3}) == [1, 2]


def test_question_marks_are_numbered_one_by_one() -> None:
    text = translate("SELECT a FROM t WHERE b = ? AND c > ?::bigint")
    assert (text.sql, text.reads) == ("SELECT a FROM t WHERE b = $1 AND c > $2::bigint", True)
    assert text.arguments((1, 2)) == [1, 2]


def test_rows_are_one_array_for_each_column() -> None:
    text = translate("INSERT INTO t (a, b)\n:rows(bigint, text)\nON CONFLICT DO NOTHING")
    assert text.sql == "INSERT INTO t (a, b)\nSELECT * FROM unnest($1::bigint[], $2::text[])\nON CONFLICT DO NOTHING"


def test_what_no_text_of_postgresql_can_hold_is_replaced() -> None:
    assert translate("SELECT ?, ?").arguments(("a\0b", b"\0")) == ["a\ufffdb", b"\0"]
    rows = translate("INSERT INTO t (a, b) :rows(text, bytea)")
    assert rows.columns([("a\0", b"\0"), (None, b""), ("c", None)]) == [["a\ufffd", None, "c"], [b"\0", b"", None]]


def test_comments_and_what_ends_a_statement_are_left_out() -> None:
    assert not translate(";\n\n-- Of the statement that follows: why? :so").sql
    assert translate("-- Why.\nSELECT 1;\n\n-- The next.").sql == "SELECT 1"


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT 1", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("SELECT 1 FROM t WHERE id = 1 FOR UPDATE OF t", True),
        ("WITH a AS (SELECT 1) UPDATE t SET b = 1 FROM a", False),
        ("INSERT INTO t VALUES (1)", False),
        ("INSERT INTO t VALUES (1) RETURNING id", True),
        ("UPDATE t SET a = f(1) RETURNING id, (SELECT max(b) FROM u WHERE c = f(2))", True),
        ("WITH a AS (INSERT INTO t VALUES (1) RETURNING id) INSERT INTO u SELECT id FROM a", False),
    ],
)
def test_a_statement_that_answers_with_rows_is_told_from_one_that_does_not(sql: str, reads: bool) -> None:
    assert translate(sql).reads is reads


def test_both_backends_have_the_same_files_but_for_what_is_postgresql_s_own() -> None:
    assert _files("sqlite") <= _files("postgres")
    assert _files("postgres") - _files("sqlite") == {
        "accepting", "claiming", "locks", "move", "partitions", "replica", "shards"
    }  # fmt: skip


@pytest.mark.parametrize("file", sorted(_files("sqlite")))
def test_both_backends_have_the_same_statements_with_the_same_parameters(file: str) -> None:
    ours, theirs = texts_of("sqlite", file), texts_of("postgres", file)
    assert list(ours) == list(theirs)
    for name, text in theirs.items():
        if not translate(text).sql:
            continue
        named, counted = _parameters(text)
        wanted, count = _parameters(ours[name])
        # A statement may leave a parameter aside that has no meaning for it; it cannot have another one.
        assert named <= wanted, name
        assert counted == count, name
        assert ("rows" in named) == ("rows" in wanted), name


def test_two_statements_of_one_text_in_sqlite_are_still_two() -> None:
    one, other = Statement.of("journal", "delete_claims", "one"), Statement.of("journal", "touch", "one")
    assert one == other
    assert not text_of(one).sql
    assert "probed_at" in text_of(other).sql


def test_statements_of_its_own_are_found_by_name() -> None:
    assert "join" in own_statements("shards")
