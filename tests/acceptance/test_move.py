"""An installation moves from its SQLite file to PostgreSQL: what waited is sent, what was sent can be read."""

import itertools
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from tests.acceptance.steps import add_endpoint, attempts_of, publish
from tests.support.checker import wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.program import Program, until

from reelhook.store.postgres.copying import TABLES

REBUILT = {"meta", "claims", "attempts_by_endpoint", "attempts_by_type", "deliveries_by_endpoint", "deliveries_by_type",
           "events_by_type"}  # fmt: skip
"""Tables of an SQLite file that are not copied as they are."""
SLOW_RETRY = {"kind": "fixed", "retries": 9, "delay": 5}
PASSPHRASE = "a passphrase for the tests"
_numbers = itertools.count()


@pytest.fixture
def target(postgres):
    name = f"moved_{next(_numbers)}"
    yield postgres.database(name)
    postgres.drop(name)


def move(program, target, *more, **settings):
    """Run the command beside the installation's file."""
    command = [Path(sys.executable).parent / "reelhook", "move", f"sqlite:///{program.database}", target, *more]
    environment = {"PATH": os.environ["PATH"], "HOME": str(program.directory), **settings}
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=program.directory, env=environment, timeout=120
    )


def moved(program, target, *more, **settings):
    done = move(program, target, "--json", *more, **settings)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def settings_of(target):
    return {"REELHOOK_DATABASE": target, "REELHOOK_SECRET_KEY": PASSPHRASE}


def migrate(target):
    command = [Path(sys.executable).parent / "reelhook", "migrate"]
    environment = {"PATH": os.environ["PATH"], **settings_of(target)}
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=60)


def on_postgres(program, target):
    """Return the installation as it goes on: another database, the same key."""
    key = program.database.with_name("reelhook.db.key").read_text().strip()
    return Program(program.directory, settings={"REELHOOK_DATABASE": target, "REELHOOK_SECRET_KEY": key})


def contents(program):
    with apsw.Connection(str(program.database)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT count(*) FROM {table}").get for table in tables}


def test_what_waits_is_delivered_and_the_log_tokens_and_secrets_are_kept(program, receiver, target):
    api = program.api()
    done, paused = add_endpoint(api, receiver, "/done"), add_endpoint(api, receiver, "/paused")
    ordered = add_endpoint(api, receiver, "/ordered", ordering="endpoint", retry=SLOW_RETRY)
    token = api.post("/v1/tokens", {"name": "reader", "role": "viewer"})["token"]
    sent = [publish(api, number, id=f"video-{number}") for number in range(3)]
    wait_until_closed(api)
    log_before = [attempt["id"] for attempt in api.pages("/v1/logs")]
    api.ask("PATCH", f"/v1/endpoints/{paused.id}", {"state": "paused"}).ok()
    receiver.behave(Rule(503, path="/ordered"))
    waiting = [publish(api, number) for number in range(3, 6)]
    until(lambda: receiver.counts().received > len(log_before) + 3, "the paused and the ordered endpoint lag behind")
    assert program.stop() == 0
    held = contents(program)

    report = moved(program, target)
    assert {one["table"]: one["rows"] for one in report["tables"]} == {table: held[table] for table in TABLES}
    assert set(held) - set(TABLES) == REBUILT
    assert held["queue"] >= 4
    assert contents(program) == held

    receiver.behave()
    with on_postgres(program, target) as now:
        api = now.api()
        api.ask("PATCH", f"/v1/endpoints/{paused.id}", {"state": "active"}).ok()
        wait_until_closed(api)
        received = {path: [one.message_id for one in receiver.receipts() if one.path == path and one.status == 200]
                    for path in ("/done", "/paused", "/ordered")}  # fmt: skip
        assert received["/ordered"] == sent + waiting
        assert sorted(received["/paused"]) == sorted(sent + waiting)
        assert sorted(received["/done"]) == sorted(sent + waiting)
        assert set(log_before) <= {attempt["id"] for attempt in api.pages("/v1/logs")}
        assert len(attempts_of(api, sent[0])) == 3
        assert api.get(f"/v1/endpoints/{done.id}/secret")["secret"] == done.secret
        assert now.api(token).get("/v1/endpoints")["items"]
        assert api.get(f"/v1/logs?endpoint_id={ordered.id}&limit=1")["items"]
        before = receiver.counts().received
        assert publish(api, 0, id="video-0") == sent[0], "its id is known as it was"
        until(lambda: len(list(api.pages("/v1/events?q=a1"))) == len(sent + waiting), "assets are found")
        assert receiver.counts().received == before


def test_a_delivery_that_was_being_sent_when_the_server_died_is_rescued_after_the_move(program, receiver, target):
    api = program.api()
    add_endpoint(api, receiver)
    receiver.behave(Rule(200, hold=True))
    event_id = publish(api)
    until(lambda: receiver.counts().received == 1, "it is being sent")
    program.kill()
    receiver.behave()
    moved(program, target)
    with on_postgres(program, target) as now:
        wait_until_closed(now.api())
        assert [attempt["error_class"] for attempt in attempts_of(now.api(), event_id)] == ["interrupted", None]


def test_a_half_finished_target_is_refused_by_move_and_serve(program, target, postgres):
    program.stop()
    name = target.rpartition("/")[2]
    migrate(target)
    # The target breaks in the middle: its last table takes nothing.
    postgres.sql("ALTER TABLE apps ADD CHECK (false)", name)
    broken = move(program, target)
    assert broken.returncode == 1
    assert "PostgreSQL does not take what is to be moved" in broken.stderr
    assert postgres.sql("SELECT count(*) FROM tokens", name) == "1\n"
    for refused in (move(program, target), _run("serve", program, target)):
        assert refused.returncode == 1
        assert "drop the database, make it anew" in refused.stderr
        assert "Traceback" not in refused.stderr
    doctor = _run("doctor", program, target)
    assert doctor.returncode == 1
    assert "drop the database, make it anew" in doctor.stdout


def _run(name, program, target):
    command = [Path(sys.executable).parent / "reelhook", name]
    environment = {"PATH": os.environ["PATH"], **program.settings, **settings_of(target)}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=60)


def test_rows_that_arrive_otherwise_than_they_were_fail_the_move(program, target, postgres):
    program.stop()
    name = target.rpartition("/")[2]
    migrate(target)
    postgres.sql(
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.hash := '\\x00'; RETURN NEW; END $$; "
        "CREATE TRIGGER spoil BEFORE INSERT ON tokens FOR EACH ROW EXECUTE FUNCTION spoil()",
        name,
    )
    done = move(program, target)
    assert done.returncode == 1
    assert "tokens did not arrive as it was" in done.stderr
    assert "drop the database" in move(program, target).stderr


def test_a_target_in_use_a_source_in_use_and_a_lost_key_are_refused(program, target):
    assert "is in use by another Reelhook" in move(program, target).stderr
    program.stop()
    key = program.database.with_name("reelhook.db.key")
    text = key.read_text()
    key.unlink()
    assert "their key is missing" in move(program, target).stderr
    key.write_text(text)
    report = moved(program, target)
    assert text.strip() not in json.dumps(report)
    again = move(program, target)
    assert again.returncode == 1
    assert "the database is in use already" in again.stderr


def test_the_key_is_shown_on_demand_only(program, target):
    program.stop()
    shown = moved(program, target, "--show-key")
    assert shown["secret_key"] == Path(shown["key_file"]).read_text().strip()


def test_an_installation_with_a_passphrase_keeps_it_and_days_and_odd_characters_arrive(
    directory, receiver, target, postgres
):
    passphrase = {"REELHOOK_SECRET_KEY": PASSPHRASE}
    with Program(directory, settings=passphrase) as program:
        made = add_endpoint(program.api(), receiver)
        event_id = publish(program.api())
        wait_until_closed(program.api())
        program.stop()
    _age_one_event(program.database)
    assert "is not the key" in move(program, target, REELHOOK_SECRET_KEY="another passphrase of ours").stderr
    report = moved(program, target, **passphrase)
    assert report["key_file"] is None
    partitioned = "SELECT count(*), count(DISTINCT tableoid) FROM {} WHERE tableoid::regclass::text NOT LIKE '%default'"
    name = target.rpartition("/")[2]
    assert postgres.sql(partitioned.format("events"), name) == "2|2\n"
    assert postgres.sql(partitioned.format("attempts"), name) == "1|1\n"
    with Program(directory, settings=settings_of(target)) as now:
        assert now.api().get(f"/v1/endpoints/{made.id}/secret")["secret"] == made.secret
        assert len(attempts_of(now.api(), event_id)) == 1


def _age_one_event(database):
    """Have an event of forty days ago, as an installation that is older than the test has."""
    with apsw.Connection(str(database)) as connection:
        connection.execute(
            "INSERT INTO events SELECT id - (40 * 86400000 << 22), app_id, type, given_id, occurred_at, accepted_at, "
            "ordering_key, 'odd' || char(0) || 'source', data, 0 FROM events"
        )


def test_a_value_that_was_written_by_other_hands_is_named_and_leaves_the_target_marked(program, target):
    program.stop()
    with apsw.Connection(str(program.database)) as connection:
        connection.execute("INSERT INTO audit VALUES (1, 'default', 'a text where bytes belong')")
    done = move(program, target)
    assert done.returncode == 1
    assert done.stderr.startswith("reelhook: audit holds a value that is none of Reelhook's")
    assert "drop the database" in move(program, target).stderr


def test_a_move_that_is_killed_leaves_a_target_that_is_refused(program, target, postgres):
    program.stop()
    name = target.rpartition("/")[2]
    migrate(target)
    with psql_that_locks(postgres, name):
        command = [Path(sys.executable).parent / "reelhook", "move", f"sqlite:///{program.database}", target]
        moving = subprocess.Popen(command, cwd=program.directory, stderr=subprocess.DEVNULL)
        until(lambda: postgres.sql("SELECT count(*) FROM meta WHERE key = 'moving'", name) == "1\n", "it has begun")
        moving.kill()
        moving.wait()
    assert "drop the database, make it anew" in move(program, target).stderr
    postgres.drop(name)
    postgres.database(name)
    assert moved(program, target)["tables"]


@contextmanager
def psql_that_locks(postgres, name):
    """Hold a lock that the move waits for when it comes to the last table."""
    script = "BEGIN; LOCK TABLE apps IN EXCLUSIVE MODE; SELECT pg_sleep(60)"
    command = [postgres._tool("psql"), "-X", "-q", "-d", postgres.url(name), "-c", script]
    holder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    held = "SELECT count(*) FROM pg_locks WHERE relation = 'apps'::regclass AND mode = 'ExclusiveLock' AND granted"
    until(lambda: postgres.sql(held, name) == "1\n", "the lock is held")
    try:
        yield
    finally:
        holder.kill()
        holder.wait()


def test_a_file_that_is_older_or_not_there_is_refused_before_the_target_is_touched(program, target, postgres):
    program.stop()
    with apsw.Connection(str(program.database)) as connection:
        connection.execute("UPDATE meta SET value = value - 1 WHERE key = 'schema_version'")
    assert "run `reelhook migrate` on it first" in move(program, target).stderr
    program.database.unlink()
    assert "there is no database" in move(program, target).stderr
    assert (
        postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", target.rpartition("/")[2]) == "0\n"
    )


def test_what_is_moved_is_shown_as_a_table_with_what_to_do_next(program, target):
    program.stop()
    said = move(program, target).stdout
    assert said.split("\n", 1)[0].split() == ["TABLE", "ROWS", "CHECKSUM"]
    assert "REELHOOK_SECRET_KEY to the content of" in said
    assert program.database.with_name("reelhook.db.key").read_text().strip() not in said
