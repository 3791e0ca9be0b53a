"""`reelhook move`: what it takes, before anything is opened."""

import pytest

GOAL = "postgresql://reelhook:pass-of-theirs@127.0.0.1:1/reelhook"


@pytest.mark.parametrize(
    ("source", "target"),
    [(GOAL, GOAL), ("sqlite:///a.db", "sqlite:///b.db"), ("a.db", GOAL), ("sqlite:///a.db", "postgresql://host")],
)
def test_what_is_no_way_from_sqlite_to_postgresql_is_a_wrong_command(reelhook, source, target):
    ended = reelhook("move", source, target)
    assert ended.code == 2
    assert "expected" in ended.err
    assert "pass-of-theirs" not in ended.err


def test_a_server_that_cannot_be_reached_is_said_in_one_line_without_the_password(reelhook, tmp_path, monkeypatch):
    monkeypatch.setenv("REELHOOK_DATABASE", f"sqlite:///{tmp_path}/a.db")
    assert reelhook("migrate").code == 0
    ended = reelhook("move", f"sqlite:///{tmp_path}/a.db", GOAL)
    assert ended.code == 5
    assert ended.err.startswith("reelhook: PostgreSQL cannot be used at this moment")
    assert len(ended.err.splitlines()) == 1
    assert "pass-of-theirs" not in ended.err


def test_a_file_that_is_no_database_is_said_in_one_line(reelhook, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("these are notes, and no database " * 100)
    ended = reelhook("move", f"sqlite:///{file}", GOAL)
    assert ended.code == 5
    assert "cannot be read: " in ended.err
    assert len(ended.err.splitlines()) == 1
