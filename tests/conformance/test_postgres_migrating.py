"""Migrations beside nodes at work, on PostgreSQL: they wait a moment only, and take nothing away that is needed."""

import re
import threading
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from reelhook.errors import StoreBusy, Unavailable
from reelhook.store.migrate import _migrations, latest_version, standing
from reelhook.store.postgres import migrating
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.membership import Membership
from reelhook.store.postgres.migrating import migrate_beside_others

NOW = latest_version("postgres")
ADDS = f"-- works with: {NOW}\nALTER TABLE deliveries ADD COLUMN note text"
TAKES = f"-- works with: {NOW + 1}\nALTER TABLE deliveries DROP COLUMN note"
HARMLESS = re.compile(
    r"CREATE TABLE|CREATE INDEX|CREATE (OR REPLACE )?(FUNCTION|VIEW)|INSERT INTO meta"
    r"|ALTER TABLE \w+ ADD COLUMN \w+ [\w ]+?( DEFAULT \S+)?|ALTER TABLE \w+ SET \("
)
"""How statements begin that a program of the version before does not mind; columns are nullable or have a default."""


@pytest.fixture
def connections(postgres_database: str) -> Iterator[list[PgConnection]]:
    made = [PgConnection(postgres_database) for _ in range(3)]
    yield made
    for connection in made:
        connection.close()


def next_versions(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    known = _migrations("postgres") | dict(enumerate(texts, NOW + 1))
    monkeypatch.setattr("reelhook.store.migrate._migrations", lambda _backend: known)


@pytest.mark.fault("R28")
def test_a_migration_that_finds_a_table_in_use_lets_others_pass_and_tries_again(
    connections: list[PgConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, reader, other = connections
    next_versions(monkeypatch, ADDS)
    tries: list[int] = []
    again = threading.Event()
    monkeypatch.setattr(migrating, "apply_once", _counted(migrating.apply_once, tries, again))
    reader.begin(write=False)
    reader.execute("SELECT count(*) FROM deliveries").fetchall()
    thread = threading.Thread(target=migrate_beside_others, args=(ours,))
    thread.start()
    assert again.wait(60), "it gave way and came back"
    other.execute("UPDATE deliveries SET step = 0")
    assert standing(other).version == NOW
    reader.rollback()
    thread.join()
    assert standing(other) == (NOW + 1, NOW)
    assert len(tries) >= 2


def _counted(apply_once: Any, tries: list[int], again: threading.Event) -> Any:
    def counted(*given: Any) -> Any:
        tries.append(1)
        if len(tries) > 1:
            again.set()
        return apply_once(*given)

    return counted


def test_a_table_that_stays_locked_is_named_and_nothing_is_changed(
    connections: list[PgConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, reader, _ = connections
    next_versions(monkeypatch, ADDS)
    monkeypatch.setattr(migrating, "PATIENCE_SECONDS", 0.0)
    reader.begin(write=False)
    reader.execute("SELECT count(*) FROM deliveries").fetchall()
    with pytest.raises(StoreBusy, match="pg_stat_activity shows who"):
        migrate_beside_others(ours)
    reader.rollback()
    assert standing(ours).version == NOW


@pytest.mark.fault("R28")
def test_what_a_node_at_work_needs_is_not_taken_away_and_is_once_it_is_gone(
    connections: list[PgConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, of_node, _ = connections
    older = Membership(of_node, "the older node", 60)
    number = older.join(works=True)
    next_versions(monkeypatch, ADDS, TAKES)
    with pytest.raises(Unavailable, match="1 running nodes of an older version need \\(the older node\\)"):
        migrate_beside_others(ours)
    assert standing(ours) == (NOW + 1, NOW), "what only adds is done"
    assert older.renew(takes=True).number == number, "and the node goes on"
    older.leave()
    assert migrate_beside_others(ours) == [NOW + 2]
    with pytest.raises(Unavailable, match=f"install a version that knows schema {NOW + 1}"):
        older.join(works=True)


def test_a_node_that_was_frozen_while_its_tables_were_taken_away_learns_of_it_with_its_lease(
    connections: list[PgConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, of_node, _ = connections
    older = Membership(of_node, "the older node", 60)
    older.join(works=True)
    ours.execute("UPDATE nodes SET seen_until = now() - interval '1 minute'")
    next_versions(monkeypatch, ADDS, TAKES)
    migrate_beside_others(ours)
    with pytest.raises(Unavailable, match="does not work with"):
        older.renew(takes=True)


def statements(text: str) -> list[str]:
    bare = re.sub(r"--[^\n]*", "", text)
    return [" ".join(one.split()) for one in bare.split(";") if one.strip()]


def harmful(text: str) -> list[str]:
    """Return what a migration does that the version before may mind, though it says that it works with it."""
    if not re.search(r"^-- works with: \d+$", text, re.MULTILINE):
        return []
    return [one for one in statements(text) if not HARMLESS.match(one) or _demands(one)]


def _demands(statement: str) -> bool:
    return "ADD COLUMN" in statement and "NOT NULL" in statement and "DEFAULT" not in statement


@pytest.mark.parametrize("number", list(_migrations("postgres")))
def test_a_migration_that_says_it_works_with_the_version_before_only_adds(number: int) -> None:
    assert harmful(_migrations("postgres")[number]) == []


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE tasks", "ALTER TABLE tasks DROP COLUMN state", "ALTER TABLE tasks ADD COLUMN x text NOT NULL",
     "ALTER TABLE tasks ALTER COLUMN id TYPE text", "UPDATE tasks SET state = 'x'"],
)  # fmt: skip
def test_what_the_version_before_would_mind_is_noticed(change: str) -> None:
    assert harmful(f"-- works with: 1\nCREATE TABLE x (id bigint);\n{change};") == [change]


def test_the_files_of_both_backends_follow_each_other_without_a_gap() -> None:
    for backend in ("sqlite", "postgres"):
        folder = resources.files("reelhook.store").joinpath("sql", backend, "migrations")
        numbers = sorted(int(entry.name[:4]) for entry in folder.iterdir() if entry.name.endswith(".sql"))
        assert numbers == list(range(1, len(numbers) + 1))
