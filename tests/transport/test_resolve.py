"""Names to addresses: with c-ares against a scripted server, and what is kept of it."""

import asyncio
import time
from contextlib import suppress

import pytest
from tests.support.dns_server import SERVFAIL, SILENT, DnsServer
from tests.support.receiver import Receiver
from tests.transport.wire_scene import LOOPBACK, Directory, Silence, Turned, post

from reelhook.model.attempt import Failure
from reelhook.transport.failures import DialFailed
from reelhook.transport.http import HttpWire
from reelhook.transport.resolve import CaresLookup, Names

RECORDS = {
    "hooks.example": (["127.0.0.1"], 30),
    "both.example": (["192.0.2.7", "2001:db8::7"], 5),
    "nothing.example": ([], 5),
    "broken.example": SERVFAIL,
    "silent.example": SILENT,
}


def look_up(run, host, seconds=5.0):
    """Resolve one name; return its addresses or the failure."""

    async def scene():
        async with DnsServer(dict(RECORDS)) as server:
            names = Names(CaresLookup([server.address]), seconds=seconds)
            try:
                return [str(address) for address in await names.resolve(host)]
            except DialFailed as failed:
                return failed
            finally:
                await names.close()

    return run(scene())


def test_a_name_is_looked_up_for_both_families(run):
    assert sorted(look_up(run, "both.example")) == ["192.0.2.7", "2001:db8::7"]


def test_the_hosts_file_is_honoured(run):
    assert "127.0.0.1" in look_up(run, "localhost")


@pytest.mark.fault("R18")
@pytest.mark.parametrize("host", ["missing.example", "nothing.example"])
def test_a_name_that_does_not_exist_or_has_no_address_is_unknown(run, host):
    failed = look_up(run, host)
    assert failed.failure is Failure.DNS_UNKNOWN
    assert host in failed.detail


@pytest.mark.fault("R18")
def test_a_name_server_in_trouble_may_pass(run):
    assert look_up(run, "broken.example").failure is Failure.DNS_TEMPORARY


@pytest.mark.fault("R18")
def test_a_look_up_that_takes_too_long_may_pass(run):
    failed = look_up(run, "silent.example", seconds=0.05)
    assert failed.failure is Failure.DNS_TEMPORARY
    assert "longer than 0.05 s" in failed.detail


def test_a_delivery_goes_where_the_name_server_says(run):
    async def scene():
        async with DnsServer(dict(RECORDS)) as server, Receiver() as receiver:
            wire = HttpWire(exceptions=LOOPBACK, lookup=CaresLookup([server.address]))
            answer = await wire.send(post(f"http://hooks.example:{receiver.port}/"))
            await wire.close()
            assert (answer.status, answer.remote_address) == (200, "127.0.0.1")
            assert answer.timing.dns > 0

    run(scene())


@pytest.mark.fault("R18")
def test_the_deadline_counts_for_the_look_up_too(run):
    async def scene():
        wire = HttpWire(lookup=Silence())
        answer = await wire.send(post("http://silent.example/", timeout=0.05))
        await wire.close()
        assert answer.failure is Failure.DNS_TEMPORARY
        assert not answer.sent

    run(scene())


def test_dead_names_do_not_hold_up_others(run):
    async def scene():
        async with DnsServer(dict(RECORDS)) as server:
            dead = {f"dead{number}.example": SILENT for number in range(50)}
            server.records.update(dead)
            names = Names(CaresLookup([server.address]))
            waiting = [asyncio.create_task(names.resolve(name)) for name in dead]
            await asyncio.sleep(0)
            assert [str(address) for address in await names.resolve("hooks.example")] == ["127.0.0.1"]
            assert not any(task.done() for task in waiting)
            await names.close()
            for task in waiting:
                with pytest.raises(DialFailed):
                    await task

    run(scene())


def outcomes(run, lookup, pauses):
    """Resolve one name again and again, with pauses between; return how often it was asked for."""

    async def scene():
        now = Turned()
        names = Names(lookup, now=now)
        for pause in pauses:
            with suppress(DialFailed):
                await names.resolve("a.example")
            now.seconds += pause
        await names.close()
        return len(lookup.asked)

    return run(scene())


@pytest.mark.parametrize(
    ("ttl", "pauses", "asked"),
    [
        (0, [0.9, 0], 1),
        (0, [1.1, 0], 2),
        (30, [29, 0], 1),
        (30, [31, 0], 2),
        (86400, [59, 0], 1),
        (86400, [61, 0], 2),
    ],
)
def test_an_answer_is_kept_for_its_time_to_live_within_bounds(run, ttl, pauses, asked):
    assert outcomes(run, Directory(["192.0.2.1"], ttl=ttl), pauses) == asked


@pytest.mark.parametrize(
    ("failure", "pauses", "asked"),
    [
        (Failure.DNS_UNKNOWN, [4, 0], 1),
        (Failure.DNS_UNKNOWN, [6, 0], 2),
        (Failure.DNS_TEMPORARY, [1, 0], 1),
        (Failure.DNS_TEMPORARY, [3, 0], 2),
    ],
)
def test_a_failure_is_kept_too_but_shortly(run, failure, pauses, asked):
    assert outcomes(run, Directory(DialFailed(failure, "no")), pauses) == asked


def test_many_who_want_the_same_name_ask_once(run):
    async def scene():
        lookup = Directory(["192.0.2.1"])
        names = Names(lookup)
        answers = await asyncio.gather(*(names.resolve("a.example") for _ in range(100)))
        assert lookup.asked == ["a.example"]
        assert len(set(map(tuple, answers))) == 1
        await names.close()

    run(scene())


def test_one_who_gives_up_does_not_end_the_look_up_of_the_others(run):
    async def scene():
        release = asyncio.Event()

        class Slow(Directory):
            async def find(self, host):
                await release.wait()
                return await super().find(host)

        names = Names(Slow(["192.0.2.1"]))
        first, second = (asyncio.create_task(names.resolve("a.example")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        release.set()
        assert len(await second) == 1
        with pytest.raises(asyncio.CancelledError):
            await first
        await names.close()

    run(scene())


def test_the_number_of_names_kept_is_bounded(run, monkeypatch):
    monkeypatch.setattr("reelhook.transport.resolve._MOST_NAMES", 3)

    async def scene():
        names = Names(Directory(["192.0.2.1"], ttl=60), now=time.monotonic)
        for number in range(10):
            await names.resolve(f"{number}.example")
        assert list(names._kept) == ["7.example", "8.example", "9.example"]
        await names.close()

    run(scene())
