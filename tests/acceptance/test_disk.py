"""The disk: nothing is promised before it is safe, and a disk that fails or fills up breaks no promise."""

import http.client
import os
import re
import subprocess

import apsw
import pytest
from tests.acceptance.steps import add_endpoint, need, publish
from tests.support.checker import wait_until_closed
from tests.support.fast_receiver import Rule
from tests.support.program import Program, until

WRITES, SYNCS = "pwrite64,write", "fsync,fdatasync"
NO_ANSWER = (OSError, http.client.HTTPException)


def start_with(program, *options):
    """Start it under strace, whose options see only the write-ahead log where they inject something."""
    program.kill()
    program.wrapper = [need("strace"), "-D", "-f", "-qq", "-y", "-o", str(program.directory / "trace"), *options]
    return program.start().api()


def inject(program, calls, how):
    return ["--seccomp-bpf", "-P", f"{program.database}-wal", "-e", f"trace={calls}", "-e", f"inject={calls}:{how}"]


def stored_ids(api):
    return {event["id"] for event in api.pages("/v1/events")}


def assert_sound(database):
    with apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.fault("R5")
def test_a_202_is_never_written_before_the_event_is_on_disk(program):
    calls = f"{WRITES},{SYNCS},writev,sendto,sendmsg"
    api = start_with(program, "--seccomp-bpf", "-s", "8192", "-e", f"trace={calls}")
    accepted = {f"nonce-{number:03d}": publish(api, data={"nonce": f"nonce-{number:03d}"}) for number in range(30)}
    program.stop()
    lines = (program.directory / "trace").read_text(errors="replace").splitlines()
    for nonce, event_id in accepted.items():
        written = _first(lines, 0, rf"p?write(64)?\(\d+<[^>]*-wal>, .*{nonce}")
        synced = _first(lines, written, r"f(data)?sync(\(\d+<[^>]*-wal>\)| resumed>\)) += 0")
        answered = _first(lines, 0, rf"<(socket|TCP)[^>]*>.*HTTP/1.1 202.*{event_id}")
        assert written < synced < answered, nonce


def _first(lines, start, pattern):
    found = re.compile(pattern)
    for number in range(start, len(lines)):
        if found.search(lines[number]):
            return number
    raise AssertionError(f"the trace has no {pattern} after line {start}")


@pytest.mark.fault("R6")
def test_when_the_disk_does_not_sync_nothing_is_accepted_any_more_and_it_says_so(program):
    api = start_with(program, *inject(program, SYNCS, "error=EIO:when=60+"))
    accepted = set()
    for number in range(200):
        try:
            answer = api.ask("POST", "/v1/events", {"type": "asset.updated", "data": {"nonce": f"n-{number}"}})
        except NO_ANSWER:
            break
        if answer.status >= 500:
            break
        accepted.add(answer.ok(202)["id"])
    assert 0 < len(accepted) < 200
    with pytest.raises((*NO_ANSWER, AssertionError)):
        publish(api, 1000)
    until(lambda: program.readiness() != 200, "it is not ready any more")
    until(lambda: not program.running(), "it has ended, so that its supervisor notices")
    assert program.wait() != 0
    program.wrapper = []
    assert accepted <= stored_ids(program.start().api())
    assert_sound(program.database)


@pytest.mark.fault("R7")
def test_a_full_disk_refuses_events_with_507_and_everything_goes_on_when_there_is_space_again(program, receiver):
    api = start_with(program, *inject(program, WRITES, "error=ENOSPC:when=400..403"))
    target = add_endpoint(api, receiver)
    accepted, refused = _publish_through_it(api)
    _assert_it_recovered(program, receiver, target, accepted, refused)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 12 MB, where this user may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a file system; the injected ENOSPC above keeps this row")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.fault("R7")
def test_a_disk_that_is_really_full_is_survived_the_same_way(small_disk, receiver):
    with Program(small_disk) as program:
        api = program.api()
        target = add_endpoint(api, receiver)
        receiver.behave(Rule(503, times=5))
        filler = small_disk / "filler"
        free = os.statvfs(small_disk)
        filler.write_bytes(b"x" * (free.f_bavail * free.f_frsize - (2 << 20)))
        accepted, refused = _fill_up(api)
        filler.unlink()
        until(lambda: api.ask("POST", "/v1/events", {"type": "a.b", "data": {}}).status == 202, "it accepts again")
        accepted |= {publish(api, 5000)}
        _assert_it_recovered(program, receiver, target, accepted, refused)


def _publish_through_it(api):
    accepted, refused = set(), []
    until(lambda: _publish_one(api, accepted, refused) and refused and len(accepted) > 100, "it recovered", pause=0)
    last = len(accepted)
    until(lambda: _publish_one(api, accepted, refused) and len(accepted) > last + 50, "it goes on", pause=0)
    return accepted, refused


def _fill_up(api):
    accepted, refused = set(), []
    until(lambda: _publish_one(api, accepted, refused, "x" * 20_000) and refused, "the disk is full", pause=0)
    return accepted, refused


def _publish_one(api, accepted, refused, filler=""):
    answer = api.ask("POST", "/v1/events", {"type": "asset.updated", "data": {"filler": filler}})
    if answer.status == 202:
        accepted.add(answer.json()["id"])
    else:
        refused.append(answer)
    return True


def _assert_it_recovered(program, receiver, target, accepted, refused):
    assert {answer.status for answer in refused} <= {503, 507}
    assert 507 in {answer.status for answer in refused}
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in refused)
    api = program.api()
    wait_until_closed(api)
    assert accepted <= stored_ids(api)
    assert accepted <= {receipt.message_id for receipt in receiver.receipts(target.path)}
    assert program.readiness() == 200
    assert program.stop() == 0
    assert_sound(program.database)
