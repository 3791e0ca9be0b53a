"""Versions change while events come and go: real processes of one version and of the next on one PostgreSQL."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.publisher import Publisher, united
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree
from tests.acceptance.town import node
from tests.support.program import until

import reelhook
from reelhook.store.migrate import latest_version

KEY = "a passphrase for the tests"
NOW = latest_version("postgres")
EXPAND = f"""\
-- works with: {NOW}
ALTER TABLE events ADD COLUMN priority integer NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN note text;
ALTER TABLE attempts ADD COLUMN note text;
ALTER TABLE endpoints ADD COLUMN note text;
ALTER TABLE apps ADD COLUMN note text;
CREATE TABLE notes (id bigint PRIMARY KEY);
CREATE INDEX tasks_by_state ON tasks (state);
"""
CONTRACT = f"""\
-- works with: {NOW + 1}
ALTER TABLE deliveries DROP COLUMN note;
"""
_numbers = itertools.count()


@pytest.fixture
def url(postgres):
    name = f"upgraded_{next(_numbers)}"
    yield postgres.database(name)
    postgres.drop(name)


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """The next version of the program, which adds to the tables, and the one after it, which takes something away."""
    found = []
    for place, texts in enumerate(([EXPAND], [EXPAND, CONTRACT])):
        folder = tmp_path_factory.mktemp(f"version-{place}")
        package = shutil.copytree(Path(reelhook.__file__).parent, folder / "reelhook")
        for number, text in enumerate(texts, NOW + 1):
            (package / f"store/sql/postgres/migrations/{number:04}_next.sql").write_text(text)
        found.append({"PYTHONPATH": str(folder)})
    return found


def migrating(url, version=None):
    command = [Path(sys.executable).parent / "reelhook", "migrate", "--json"]
    settings = {"REELHOOK_DATABASE": url, "REELHOOK_SECRET_KEY": KEY, "PATH": os.environ["PATH"], **(version or {})}
    return subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def migrate(url, version=None):
    process = migrating(url, version)
    out, err = process.communicate(timeout=120)
    return process.returncode, json.loads(out)["migrations"] if out else [], err


@pytest.mark.fault("R28")
def test_processes_that_migrate_at_once_make_each_step_once_between_them(url):
    processes = [migrating(url) for _ in range(4)]
    ended = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, ended
    assert sorted(itertools.chain(*(json.loads(out)["migrations"] for out, _ in ended))) == list(range(1, NOW + 1))


@pytest.mark.fault("R28")
def test_nodes_that_start_at_once_on_an_empty_database_all_serve(url, tmp_path):
    nodes = [node(tmp_path / name, url) for name in "ab"]
    try:
        for each in nodes:
            each.spawn()
        for each in nodes:
            until(lambda each=each: each.readiness() == 200, "it is ready")
    finally:
        for each in nodes:
            each.kill()


@pytest.mark.fault("R28")
def test_an_installation_goes_from_one_version_to_the_next_under_load_and_nothing_fails(
    url, tmp_path, receiver, versions
):
    following, after_it = versions
    first, second = node(tmp_path / "first", url), node(tmp_path / "second", url)
    joins = node(tmp_path / "joins", url, following)
    try:
        for each in (first, second):
            each.start()
        targets = [add_endpoint(first.api(), receiver, f"/{number}") for number in range(4)]
        publishers = [
            Publisher(each, threads=2, name=name, pause=0.01) for name, each in (("first", first), ("joins", joins))
        ]
        with publishers[0]:
            goes_on(publishers[0])
            assert migrate(url, following)[:2] == (0, [NOW + 1])
            goes_on(publishers[0])
            assert second.stop() == 0
            second.start()  # of the version before, on the tables of the next one
            joins.start()
            with publishers[1]:
                goes_on(*publishers)
                code, made, err = migrate(url, after_it)
                assert (code, made) == (1, [])
                assert "2 running nodes of an older version" in err
                goes_on(*publishers)
                publishers[0].finish()
                assert [first.stop(), second.stop()] == [0, 0]
                goes_on(publishers[1])
                assert migrate(url, after_it)[:2] == (0, [NOW + 2])
                goes_on(publishers[1])
        assert_all_accounts_agree(joins.api(), united(publishers), targets, receiver)
        assert not united(publishers).uncertain
        assert not any("Traceback" in each.said() for each in (first, second, joins))
        refused_to_start(first, f"schema {NOW + 2}, this one knows {NOW}")
        assert migrate(url)[0] == 1
    finally:
        for each in (first, second, joins):
            print(each.said()[-3000:])  # noqa: T201 - shown beside a failure only
            each.kill()


def goes_on(*publishers):
    for publisher in publishers:
        before = publisher.accepted
        until(lambda publisher=publisher, before=before: publisher.accepted > before + 40, "events are taken")


def refused_to_start(program, why):
    program.spawn()
    assert program.wait() == 1
    (line,) = [line for line in program.said().splitlines() if line.startswith("reelhook: ")]
    assert why in line
