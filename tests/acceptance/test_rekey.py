"""The master key is changed: in a file, and under nodes that go on working; what is cut off is begun again."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.acceptance.publisher import Publisher, united
from tests.acceptance.steps import add_endpoint, assert_all_accounts_agree
from tests.acceptance.town import node
from tests.support.program import until

BEFORE, NEXT = "a passphrase for the tests", "the next passphrase of ours"
_numbers = itertools.count()


@pytest.fixture
def url(postgres):
    name = f"rekeyed_{next(_numbers)}"
    yield postgres.database(name)
    postgres.drop(name)


def keys(key, other=None):
    return {"REELHOOK_SECRET_KEY": key, **({"REELHOOK_SECRET_KEY_OTHER": other} if other else {})}


def start_rekey(program, **settings):
    given = {"PATH": os.environ["PATH"], "HOME": str(program.directory), **program.settings, **settings}
    command = [Path(sys.executable).parent / "reelhook", "rekey", "--json"]
    return subprocess.Popen(
        command, env=given, cwd=program.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def rekey(program, code=0, **settings):
    process = start_rekey(program, **settings)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    return json.loads(out)["sealed"] if out else err


def test_the_key_file_of_a_stopped_server_gives_way_to_a_key_that_is_given(program, receiver):
    api = program.api()
    targets = [add_endpoint(api, receiver, f"/{number}", headers={"X-Key": "canary"}) for number in range(3)]
    key_file = program.database.with_name("reelhook.db.key")
    settings = {"REELHOOK_SECRET_KEY": NEXT, "REELHOOK_SECRET_KEY_OTHER_FILE": str(key_file)}
    assert "in use by another Reelhook" in rekey(program, 5, **settings)
    assert program.stop() == 0
    assert "REELHOOK_SECRET_KEY_OTHER is not set" in rekey(program, 2, REELHOOK_SECRET_KEY=NEXT)
    assert rekey(program, **settings)["versions"] == 3
    assert rekey(program, **settings) == {"apps": 0, "versions": 0, "answers": 0}
    key_file.unlink()
    program.settings["REELHOOK_SECRET_KEY"] = NEXT
    program.start()
    with Publisher(program, threads=1) as publisher:
        until(lambda: publisher.accepted > 20, "events are taken")
    assert_all_accounts_agree(program.api(), publisher.ledger, targets, receiver)
    assert {receipt.headers["x-key"] for receipt in receiver.receipts()} == {"canary"}


def test_nodes_go_on_while_their_key_is_changed_and_a_change_that_was_killed_is_begun_again(url, tmp_path, receiver):
    nodes = [node(tmp_path / name, url) for name in "ab"]
    stays, other = nodes
    try:
        for each in nodes:
            each.start()
        targets = [add_endpoint(stays.api(), receiver, f"/{number}") for number in range(3)]
        for number in range(200):  # versions to work on; some are cut off from the others by the kill
            stays.api().ask("PATCH", f"/v1/endpoints/{targets[0].id}", {"name": f"version {number}"}).ok()
        with Publisher(stays, threads=2, pause=0.01) as publisher:
            renew(other, keys(BEFORE, NEXT))
            publisher_moves_on(publisher)
        renew(stays, keys(BEFORE, NEXT))
        assert "2 running nodes still seal with another key" in rekey(stays, 1, **keys(NEXT, BEFORE))
        with Publisher(other, threads=2, pause=0.01, name="second") as second:
            renew(stays, keys(NEXT, BEFORE))
            quiet = {"events": ["own.never"]}
            made = [
                add_endpoint(each.api(), receiver, path, **quiet) for each, path in ((stays, "/new"), (other, "/old"))
            ]
            publisher_moves_on(second)
        assert "1 running nodes still seal with another key" in rekey(stays, 1, **keys(NEXT, BEFORE))
        renew(other, keys(NEXT, BEFORE))
        with Publisher(stays, threads=2, pause=0.01, name="third") as third:
            killed = start_rekey(stays, **keys(NEXT, BEFORE))
            time.sleep(0.8)  # somewhere in the middle, mostly
            killed.send_signal(signal.SIGKILL)
            killed.communicate()
            rekey(stays, **keys(NEXT, BEFORE))
            publisher_moves_on(third)
        for each in nodes:
            renew(each, keys(NEXT))
        with Publisher(other, threads=2, pause=0.01, name="fourth") as fourth:
            publisher_moves_on(fourth)
        assert_all_accounts_agree(stays.api(), united((publisher, second, third, fourth)), targets, receiver)
        for target in (*targets, *made):
            assert stays.api().get(f"/v1/endpoints/{target.id}/secret")["secret"] == target.secret
        assert not any("Traceback" in each.said() for each in nodes)
        assert stays.stop() == 0
        stays.settings |= keys(BEFORE)
        stays.spawn()
        assert stays.wait() == 2
        assert "not the key that the secrets of this database were sealed with" in stays.said()
    finally:
        for each in nodes:
            print(each.said()[-3000:])  # noqa: T201 - shown beside a failure only
            each.kill()


def renew(program, settings):
    assert program.stop() == 0
    program.settings.pop("REELHOOK_SECRET_KEY_OTHER", None)
    program.settings |= settings
    program.start()


def publisher_moves_on(publisher):
    before = publisher.accepted
    until(lambda: publisher.accepted > before + 30, "events are taken")
