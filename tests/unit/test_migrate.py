import threading
from pathlib import Path

import apsw
import pytest

from reelhook.errors import Unavailable
from reelhook.model.delivery import State
from reelhook.store.connection import open_writer
from reelhook.store.migrate import Standing, _migrations, latest_version, migrate, schema_version, standing


def test_an_empty_file_gets_every_migration_once(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "a.db")
    assert schema_version(connection) == 0
    assert migrate(connection) == list(range(1, latest_version() + 1))
    assert migrate(connection) == []
    assert schema_version(connection) == latest_version()


@pytest.mark.fault("R28")
def test_two_migrators_at_once_migrate_once(tmp_path: Path) -> None:
    done: list[int] = []
    ready = threading.Barrier(4)

    def run() -> None:
        connection = open_writer(tmp_path / "a.db")
        ready.wait()
        done.extend(migrate(connection))
        connection.close()

    open_writer(tmp_path / "a.db").close()
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(1, latest_version() + 1))


@pytest.mark.fault("R28")
def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "a.db")
    migrate(connection)
    connection.execute("UPDATE meta SET value = 99 WHERE key IN ('schema_version', 'schema_oldest')")
    with pytest.raises(Unavailable, match="schema 99"):
        migrate(connection)
    assert schema_version(connection) == 99


@pytest.mark.fault("R28")
def test_a_database_of_a_newer_version_that_works_with_this_one_is_taken_and_left_alone(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "a.db")
    migrate(connection)
    connection.execute("UPDATE meta SET value = 99 WHERE key = 'schema_version'")
    assert migrate(connection) == []
    assert standing(connection) == Standing(99, latest_version())


@pytest.mark.fault("R28")
def test_what_a_program_must_know_never_becomes_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = "CREATE TABLE meta (key PRIMARY KEY, value); CREATE TABLE deliveries (id)"
    texts = {1: first, 2: "-- works with: 1", 3: "DROP TABLE IF EXISTS x", 4: "-- works with: 1"}
    known: dict[int, str] = {}
    monkeypatch.setattr("reelhook.store.migrate._migrations", lambda _backend: known)
    connection = open_writer(tmp_path / "a.db")
    seen = []
    for number, text in texts.items():
        known[number] = text
        migrate(connection)
        seen.append(standing(connection))
    assert seen == [Standing(1, 1), Standing(2, 1), Standing(3, 3), Standing(4, 3)]


def test_whoever_uses_the_database_is_told_before_it_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int, int]] = []
    connection = open_writer(tmp_path / "a.db")

    def tell(before: int, after: int) -> None:
        told.append((before, after, schema_version(connection)))

    with monkeypatch.context() as older:
        first = dict(list(_migrations("sqlite").items())[:2])
        older.setattr("reelhook.store.migrate._migrations", lambda _backend: first)
        migrate(connection, tell=tell)
    assert told == [], "there was nothing to lose"
    migrate(connection, tell=tell)
    assert told == [(2, latest_version(), 2)]
    migrate(connection, tell=tell)
    assert len(told) == 1


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "a.db")
    connection.execute("CREATE TABLE meta (key, value); CREATE TABLE photos (id)")
    with pytest.raises(Unavailable, match=r"not one of Reelhook's"):
        migrate(connection)


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {1: "CREATE TABLE meta (key PRIMARY KEY, value); CREATE TABLE deliveries (id); SELECT nonsense"}
    monkeypatch.setattr("reelhook.store.migrate._migrations", lambda _backend: broken)
    connection = open_writer(tmp_path / "a.db")
    with pytest.raises(apsw.SQLError):
        migrate(connection)
    assert schema_version(connection) == 0
    assert not connection.in_transaction


def test_the_states_in_sql_are_those_of_the_model(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "a.db")
    migrate(connection)
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'deliveries'").fetchall()[0]
    listed = sql.partition("CHECK (state IN (")[2].partition(")")[0]
    assert {name.strip(" '") for name in listed.split(",")} == {state.value for state in State}
