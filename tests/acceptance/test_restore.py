"""A backup that is restored sends nothing until it is told to, and then at the rate asked: no storm of repetitions."""

import itertools
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest
from tests.acceptance.publisher import Publisher
from tests.acceptance.steps import add_endpoint, attempts_of, publish
from tests.support.checker import OPEN, wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.program import Program, until

LATER = {"kind": "fixed", "retries": 9, "delay": 1}
RATE = 40
_numbers = itertools.count()


def command(program, *arguments, code=0):
    """Run a command on the installation's own database, and return what it says as JSON, or its error."""
    settings = {"PATH": os.environ["PATH"], "HOME": str(program.directory), **program.settings}
    done = subprocess.run(
        [Path(sys.executable).parent / "reelhook", *arguments],
        check=False, capture_output=True, text=True, cwd=program.directory, env=settings, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout) if done.stdout else done.stderr


@pytest.fixture
def back_up(request, settings, tmp_path):
    """What makes a backup of a running installation, and returns what restores it as another one, not started."""

    def of_sqlite(program):
        copy = tmp_path / "backup.db"
        with (
            apsw.Connection(str(program.database), flags=apsw.SQLITE_OPEN_READONLY) as live,
            apsw.Connection(str(copy)) as target,
            target.backup("main", live, "main") as backup,
        ):
            while not backup.done:
                backup.step(50)

        def restore():
            restored = Program(tmp_path / "restored")
            copy.rename(restored.database)
            key = program.database.with_name("reelhook.db.key")
            restored.database.with_name(key.name).write_bytes(key.read_bytes())
            return restored

        return restore

    def of_postgres(program):
        cluster = request.getfixturevalue("postgres")
        dump = tmp_path / "backup.dump"
        source = program.settings["REELHOOK_DATABASE"]
        subprocess.run([cluster._tool("pg_dump"), "--format=custom", f"--file={dump}", source], check=True, timeout=120)

        def restore():
            url = cluster.database(f"restored_{next(_numbers)}")
            subprocess.run([cluster._tool("pg_restore"), f"--dbname={url}", str(dump)], check=True, timeout=120)
            return Program(
                tmp_path / "restored", settings={**settings, "REELHOOK_DATABASE": url, "REELHOOK_LEASE": "3"}
            )

        return restore

    return of_postgres if settings else of_sqlite


@pytest.mark.fault("R29")
def test_a_restored_backup_sends_nothing_until_it_is_released_and_then_at_the_rate_asked(
    installation, receiver, back_up
):
    api = installation.api()
    add_endpoint(api, receiver, "/well")
    add_endpoint(api, receiver, "/down", retry=LATER)
    receiver.behave(Rule(503, path="/down"))
    with Publisher(installation, threads=2, pause=0.02) as publisher:
        until(lambda: publisher.accepted > 60, "deliveries wait for the receiver that is down")
        restore = back_up(installation)
        at_backup = publisher.accepted
        receiver.behave()
        until(lambda: publisher.accepted > at_backup + 60, "it goes on")
    wait_until_closed(api)
    installation.kill()

    restored = restore()
    assert command(restored, "hold", "--json")["waiting"] > 40
    before = receiver.counts().received
    try:
        restored.start()
        until(lambda: held_seconds(restored) > 2, "it has been on hold for a while")
        assert restored.api().get("/readyz")["held_since"]
        taken = publish(restored.api(), id="while-on-hold")
        restored.kill()
        restored.start()
        until(lambda: held_seconds(restored) > 4, "it is on hold still")
        assert receiver.counts().received == before, "nothing was sent"
        assert "installation.held" in restored.said()
        assert found_by_the_doctor(restored) == "warn"
        waiting = {one["event_id"] for state in OPEN for one in restored.api().pages(f"/v1/deliveries?state={state}")}
        assert taken in waiting

        began = time.time()
        released = command(restored, "release", "--rate", str(RATE), "--json")
        assert released["spread"] >= 40
        wait_until_closed(restored.api())
        again = receiver.receipts()[before:]
        assert {receipt.message_id for receipt in again} == waiting, "what the backup knew as delivered is not repeated"
        assert len(again) >= released["waiting"]  # at least once
        spread = sorted(receipt.at for receipt in again)[-released["spread"] :]
        assert all(at >= began + place / RATE for place, at in enumerate(spread)), "not faster than asked"
        assert "held_since" not in restored.api().get("/readyz")
        assert audited(restored) == ["installation.release", "installation.hold"]
        assert found_by_the_doctor(restored) == "ok"
    finally:
        print(restored.said()[-3000:])  # noqa: T201 - shown beside a failure only
        restored.kill()


@pytest.mark.fault("R29")
def test_a_running_installation_is_held_for_maintenance_and_goes_on(installation, receiver):
    api = installation.api()
    add_endpoint(api, receiver)
    receiver.behave(Rule(hold=True, times=1))
    under_way = publish(api)
    until(lambda: receiver.counts().held == 1, "one is under way")
    command(installation, "hold", "--json")
    assert "has been on hold since" in command_text(installation, "hold")
    until(lambda: held_seconds(installation) > 0, "the server knows")
    receiver.release(200)
    until(lambda: attempts_of(api, under_way), "what was under way ends")
    waits = [publish(api, number) for number in range(1, 20)]
    held = held_seconds(installation)
    until(lambda: held_seconds(installation) > held + 2, "it stays on hold")
    assert receiver.counts().received == 1
    command(installation, "release", "--json")
    wait_until_closed(api)
    assert sorted(receipt.message_id for receipt in receiver.receipts()) == sorted([under_way, *waits])
    assert "not on hold" in command(installation, "release", code=1)


def command_text(program, *arguments):
    settings = {"PATH": os.environ["PATH"], "HOME": str(program.directory), **program.settings}
    tool = Path(sys.executable).parent / "reelhook"
    return subprocess.run([tool, *arguments], check=True, capture_output=True, text=True, env=settings).stdout


def held_seconds(program):
    metrics = program.api().ask("GET", "/metrics").body.decode()
    return float(re.search(r"^reelhook_held_seconds (\S+)$", metrics, re.MULTILINE)[1])


def found_by_the_doctor(program):
    settings = {"PATH": os.environ["PATH"], "HOME": str(program.directory), **program.settings}
    tool = Path(sys.executable).parent / "reelhook"
    said = subprocess.run([tool, "doctor", "--json"], check=False, capture_output=True, text=True, env=settings).stdout
    return next(each["level"] for each in json.loads(said)["items"] if each["check"] == "hold")


def audited(program):
    entries = program.api().get("/v1/audit?limit=50")["items"]
    return [each["action"] for each in entries if each["action"].startswith("installation.")]
