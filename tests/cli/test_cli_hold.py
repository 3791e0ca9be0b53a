"""`reelhook hold`, `release` and `rekey`: what they ask of the settings and the database before they do anything."""

import pytest

from reelhook.store.connection import FileLock, open_writer
from reelhook.store.migrate import migrate


@pytest.fixture
def database(monkeypatch, tmp_path):
    file = tmp_path / "reelhook.db"
    monkeypatch.setenv("REELHOOK_DATABASE", f"sqlite:///{file}")
    return file


@pytest.fixture
def installation(database):
    connection = open_writer(database)
    migrate(connection)
    connection.close()
    return database


def test_a_hold_and_its_end_are_told_in_a_sentence(reelhook, installation):
    held = reelhook("hold")
    assert held.code == 0
    assert "is on hold: nothing is sent until `reelhook release`; 0 deliveries wait, 0 of them due." in held.out
    assert "has been on hold since 20" in reelhook("hold").out
    released = reelhook("release", "--rate", "2.5", "--json").json
    assert released == {"waiting": 0, "due": 0, "spread": 0, "rate": 2.5}
    again = reelhook("release")
    assert (again.code, again.err) == (1, "reelhook: the installation is not on hold: there is nothing to release\n")


@pytest.mark.parametrize("rate", ["0", "-1", "fast"])
def test_a_rate_is_more_than_nothing(reelhook, installation, rate):
    reelhook("hold")
    assert reelhook("release", "--rate", rate).code == 2


@pytest.mark.parametrize("command", ["hold", "release"])
def test_nothing_is_made_where_there_is_no_installation(reelhook, database, command):
    ended = reelhook(command)
    assert (ended.code, database.exists()) == (2, False)
    assert ended.err.startswith("reelhook: REELHOOK_DATABASE: there is no database ")
    open_writer(database).close()
    ended = reelhook(command)
    assert ended.code == 1
    assert "run `reelhook migrate` first" in ended.err


def test_a_hold_works_beside_a_running_server_and_another_key_does_not(reelhook, installation, monkeypatch):
    monkeypatch.setenv("REELHOOK_SECRET_KEY_OTHER", "the passphrase before this one")
    monkeypatch.setenv("REELHOOK_SECRET_KEY", "the passphrase from now on")
    lock = FileLock(installation)
    try:
        assert reelhook("hold").code == 0
        ended = reelhook("rekey")
    finally:
        lock.release()
    assert ended.code == 5
    assert "in use by another Reelhook" in ended.err


def test_a_database_that_is_behind_is_brought_up_to_date_with_a_word_about_the_way_back(
    reelhook, database, monkeypatch
):
    from reelhook.store import migrate as migrating

    known = migrating._migrations("sqlite")
    with monkeypatch.context() as older:
        older.setattr(migrating, "_migrations", lambda _backend: {1: known[1]})
        connection = open_writer(database)
        migrate(connection)
        connection.close()
    ended = reelhook("migrate", "--json")
    assert ended.json["migrations"] == list(known)[1:]
    assert f"goes from schema 1 to {max(known)}; the way back is a copy that was made before" in ended.err
    assert reelhook("migrate", "--json").json["migrations"] == []
