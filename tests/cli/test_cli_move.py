"""`reelhook move`: what it takes, before anything is opened."""

import pytest

from reelhook.store.connection import FileLock

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
    assert ended.err.endswith("; the database is postgresql://***@127.0.0.1:1/reelhook\n")
    assert len(ended.err.splitlines()) == 1
    assert "pass-of-theirs" not in ended.err


def test_a_file_that_is_no_database_is_said_in_one_line(reelhook, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("these are notes, and no database " * 100)
    ended = reelhook("move", f"sqlite:///{file}", GOAL)
    assert ended.code == 2
    assert "cannot be read: " in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_file_that_is_not_there_is_wrong_content(reelhook, tmp_path):
    ended = reelhook("move", f"sqlite:///{tmp_path}/gone.db", GOAL)
    assert ended.code == 2
    assert "there is no database" in ended.err


def test_a_file_that_a_server_uses_is_not_for_now(reelhook, tmp_path, monkeypatch):
    monkeypatch.setenv("REELHOOK_DATABASE", f"sqlite:///{tmp_path}/a.db")
    reelhook("migrate")
    lock = FileLock(tmp_path / "a.db")
    ended = reelhook("move", f"sqlite:///{tmp_path}/a.db", GOAL)
    lock.release()
    assert ended.code == 5
    assert "in use by another Reelhook" in ended.err


@pytest.mark.parametrize("command", ["hold", "migrate"])
def test_a_command_names_the_server_that_it_cannot_reach(reelhook, monkeypatch, command):
    """Regression: "cannot be used at this moment" left open which host that was."""
    monkeypatch.setenv("REELHOOK_DATABASE", GOAL)
    monkeypatch.setenv("REELHOOK_SECRET_KEY", "a passphrase for the tests")
    ended = reelhook(command)
    assert ended.code == 5
    assert "; the database is postgresql://***@127.0.0.1:1/reelhook" in ended.err
    assert "pass-of-theirs" not in ended.err
