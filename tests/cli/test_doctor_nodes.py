"""`reelhook doctor` on PostgreSQL: the nodes that share the database."""

import tempfile
from pathlib import Path

import pytest
from tests.support.postgres import Cluster, servers

NAME = "nodes"


@pytest.fixture(scope="module")
def postgres():
    folder = Path(tempfile.mkdtemp(prefix="reelhook-doctor-"))
    with Cluster(folder, servers()[min(servers(), key=int)]) as cluster:
        cluster.database(NAME)
        yield cluster


@pytest.fixture
def doctor(reelhook, monkeypatch, postgres):
    """Run it on a database with the tables of this version and no nodes; return the findings by what was looked at."""
    monkeypatch.setenv("REELHOOK_DATABASE", postgres.url(NAME))
    monkeypatch.setenv("REELHOOK_SECRET_KEY", "a passphrase for the tests")
    monkeypatch.setenv("REELHOOK_LISTEN", "127.0.0.1:0")
    monkeypatch.setattr("reelhook.cli.doctor.machine._resolve", lambda found: found.append("ok"))
    assert reelhook("migrate").code == 0
    postgres.sql("TRUNCATE nodes; UPDATE shards SET node = NULL, lease_until = '-infinity'", NAME)
    return lambda: {each["check"]: each for each in reelhook("doctor", "--json").json["items"]}


def joins(postgres, number, *, works=True, lease="1 hour", shards=0):
    postgres.sql(
        f"INSERT INTO nodes (id, number, works, seen_until) "
        f"VALUES ('host-{number}', {number}, {works}, now() + interval '{lease}'); "
        f"UPDATE shards SET node = 'host-{number}', lease_until = now() + interval '{lease}' "
        f"WHERE id IN (SELECT id FROM shards WHERE node IS NULL ORDER BY id LIMIT {shards})",
        NAME,
    )


def test_the_doctor_names_every_node_with_its_shards_and_the_end_of_its_lease(doctor, postgres):
    joins(postgres, 0, shards=200)
    joins(postgres, 1, works=False)
    joins(postgres, 3, lease="-5 minutes", shards=56)
    found = doctor()
    until = postgres.sql(
        "SELECT to_char(seen_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"') FROM nodes ORDER BY number", NAME
    ).splitlines()
    assert found["nodes"] == {
        "check": "nodes",
        "level": "ok",
        "says": "2 are alive, 1 of them to deliver",
        "advice": None,
    }
    assert found["node 0"]["says"] == f"host-0 delivers for 200 of 256 shards, its lease lasts until {until[0]}"
    assert found["node 1"]["says"] == f"host-1 accepts and answers, its lease lasts until {until[1]}"
    assert found["node 3"]["says"] == f"host-3 ended without a word, its last lease at {until[2]}"
    assert found["database server"]["says"].startswith("PostgreSQL ")


def test_the_doctor_warns_where_no_node_is_alive(doctor, postgres):
    joins(postgres, 0, lease="-5 minutes", shards=256)
    found = doctor()["nodes"]
    assert (found["level"], found["says"]) == ("warn", "none is alive: nothing is accepted and nothing is sent")
    assert "reelhook serve" in found["advice"]


def test_the_doctor_warns_where_no_node_delivers(doctor, postgres):
    joins(postgres, 0, works=False)
    found = doctor()["nodes"]
    assert (found["level"], found["says"]) == ("warn", "1 is alive, 0 of them to deliver: nothing is sent")


def test_the_doctor_changes_nothing_in_the_database(doctor, postgres):
    joins(postgres, 0, shards=9)
    before = postgres.sql(
        "SELECT * FROM nodes; SELECT * FROM shards ORDER BY id; SELECT * FROM meta ORDER BY key", NAME
    )
    doctor()
    assert before == postgres.sql(
        "SELECT * FROM nodes; SELECT * FROM shards ORDER BY id; SELECT * FROM meta ORDER BY key", NAME
    )
