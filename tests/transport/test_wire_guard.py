"""Whom the wire connects to, and whom it never does."""

import socket
from ipaddress import ip_address

import pytest
from tests.support.receiver import Receiver
from tests.transport.wire_scene import LOOPBACK, PUBLIC, Directory, Turned, post, spy_on_connections

from reelhook.model.attempt import Failure
from reelhook.transport.guard import Guard, is_this_machine
from reelhook.transport.http import HttpWire

REFUSED_LITERALS = [
    "127.0.0.1",
    "[::1]",
    "10.0.0.1",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",  # noqa: S104 - connected to, not bound to
    "[::]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::a00:1]",
    "[2002:7f00:1::]",
    "[::127.0.0.1]",
    "[fec0::1]",
    "224.0.0.1",
]


@pytest.mark.fault("S1")
@pytest.mark.fault("S2")
@pytest.mark.fault("S3")
def test_no_blocked_literal_is_connected_to(run, monkeypatch):
    async def scene():
        seen = spy_on_connections(monkeypatch)
        wire = HttpWire()
        for host in REFUSED_LITERALS:
            answer = await wire.send(post(f"http://{host}:8080/"))
            assert answer.failure is Failure.BLOCKED
            assert "blocked address" in answer.error
            assert host.strip("[]") not in answer.error
            assert not answer.sent
            assert answer.remote_address is None
        await wire.close()
        assert seen == []

    run(scene())


@pytest.mark.fault("S1")
def test_localhost_is_blocked_where_it_is_resolved_too(run):
    async def scene():
        async with Receiver() as receiver:
            wire = HttpWire()
            answer = await wire.send(post(f"http://localhost:{receiver.port}/"))
            await wire.close()
            assert answer.failure is Failure.BLOCKED
            assert receiver.connections == 0

    run(scene())


def test_localhost_is_called_where_the_operator_allows_it(run):
    async def scene():
        async with Receiver() as receiver:
            wire = HttpWire(exceptions=LOOPBACK)
            answer = await wire.send(post(f"http://localhost:{receiver.port}/"))
            await wire.close()
            assert answer.status == 200
            assert answer.timing.dns is not None
            assert receiver.requests[0].headers["host"] == f"localhost:{receiver.port}"

    run(scene())


@pytest.mark.fault("S4")
def test_a_name_that_is_rebound_to_loopback_is_not_followed_there(run, monkeypatch):
    async def scene():
        seen = spy_on_connections(monkeypatch)
        now = Turned()
        async with Receiver() as receiver:
            wire = HttpWire(lookup=Directory([PUBLIC], ["127.0.0.1"]), now=now)
            url = f"http://rebinding.example:{receiver.port}/"
            assert (await wire.send(post(url))).failure is Failure.REFUSED
            now.seconds += 61
            answer = await wire.send(post(url))
            await wire.close()
            assert answer.failure is Failure.BLOCKED
            assert seen == [PUBLIC]
            assert receiver.connections == 0

    run(scene())


@pytest.mark.fault("S4")
def test_the_address_that_was_checked_is_the_one_connected_to(run, monkeypatch):
    async def scene():
        seen = spy_on_connections(monkeypatch)
        names = Directory([PUBLIC], ["127.0.0.1"])
        wire = HttpWire(lookup=names)
        await wire.send(post("http://rebinding.example/"))
        await wire.close()
        assert seen == [PUBLIC], "a literal, so that nothing resolves the name a second time"
        assert names.asked == ["rebinding.example"]

    run(scene())


@pytest.mark.fault("S5")
def test_of_mixed_records_the_private_ones_are_never_connected_to(run, monkeypatch):
    async def scene():
        seen = spy_on_connections(monkeypatch)
        wire = HttpWire(lookup=Directory(["10.0.0.1", PUBLIC, "127.0.0.1", "::1", "192.168.1.1", "1.1.1.1"]))
        answer = await wire.send(post("http://mixed.example/"))
        await wire.close()
        assert answer.failure is Failure.REFUSED
        assert seen == [PUBLIC, "1.1.1.1"]

    run(scene())


@pytest.mark.fault("S5")
def test_only_private_records_are_blocked(run, monkeypatch):
    async def scene():
        seen = spy_on_connections(monkeypatch)
        wire = HttpWire(lookup=Directory(["10.0.0.1", "::1"]))
        answer = await wire.send(post("https://inner.example/"))
        await wire.close()
        assert answer.failure is Failure.BLOCKED
        assert seen == []

    run(scene())


def test_an_address_that_does_not_answer_gives_way_to_the_next(run, monkeypatch):
    async def scene():
        seen = spy_on_connections(monkeypatch)
        async with Receiver() as receiver:
            wire = HttpWire(exceptions=LOOPBACK, lookup=Directory([PUBLIC, "127.0.0.1"]))
            answer = await wire.send(post(f"http://two.example:{receiver.port}/"))
            await wire.close()
            assert answer.status == 200
            assert answer.remote_address == "127.0.0.1"
            assert seen == [PUBLIC, "127.0.0.1"]

    run(scene())


def test_a_peer_that_is_not_the_checked_address_gets_no_byte(run, monkeypatch):
    async def scene():
        async with Receiver() as receiver:
            wire = HttpWire(exceptions=LOOPBACK)
            monkeypatch.setattr(socket.socket, "getpeername", lambda _: ("10.0.0.1", 80))
            answer = await wire.send(post(receiver.url))
            monkeypatch.undo()
            await wire.close()
            assert answer.failure is Failure.BLOCKED
            assert receiver.requests == []

    run(scene())


@pytest.mark.fault("S6")
def test_proxies_and_netrc_of_the_environment_are_ignored(run, monkeypatch, tmp_path):
    async def scene():
        async with Receiver() as proxy, Receiver() as receiver:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
                monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{proxy.port}")
            (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\ndefault login canary\n")
            (tmp_path / ".netrc").chmod(0o600)
            monkeypatch.setenv("HOME", str(tmp_path))
            monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
            wire = HttpWire(exceptions=LOOPBACK)
            answer = await wire.send(post(receiver.url))
            await wire.close()
            assert answer.status == 200
            assert proxy.connections == 0
            assert "authorization" not in receiver.requests[0].headers

    run(scene())


@pytest.mark.fault("S7")
@pytest.mark.parametrize("listening", ["127.0.0.1", "0.0.0.0", "::"])  # noqa: S104 - compared with, not bound to
def test_our_own_port_is_never_called_even_where_loopback_is_allowed(run, listening):
    async def scene():
        own = []
        async with Receiver() as ourselves, Receiver() as other:
            wire = HttpWire(exceptions=LOOPBACK, own_addresses=own, lookup=Directory(["127.0.0.1"]))
            own.append((listening, ourselves.port))
            for host in ("127.0.0.1", "public.example"):
                answer = await wire.send(post(f"http://{host}:{ourselves.port}/v1/events"))
                assert answer.failure is Failure.BLOCKED
            assert (await wire.send(post(other.url))).status == 200
            await wire.close()
            assert ourselves.connections == 0

    run(scene())


@pytest.mark.fault("S7")
def test_every_address_of_this_machine_is_our_own_when_we_listen_on_all():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        mine = ip_address(probe.getsockname()[0])
    assert is_this_machine(mine)
    guard = Guard(exceptions=[], own=[("::", 8080)])
    assert not guard.permits(mine, 8080)
    assert not is_this_machine(ip_address(PUBLIC))
    assert guard.permits(ip_address(PUBLIC), 8080)


def test_inside_means_only_what_the_operator_allows(run, monkeypatch):
    async def scene():
        seen = spy_on_connections(monkeypatch)
        async with Receiver() as receiver:
            wire = HttpWire(
                exceptions=LOOPBACK, lookup=Directory([PUBLIC, "127.0.0.1"], [PUBLIC]), now=(now := Turned())
            )
            url = f"http://inner.example:{receiver.port}/"
            assert (await wire.send_inside(post(url))).status == 200
            now.seconds += 61
            answer = await wire.send_inside(post(url))
            assert answer.failure is Failure.BLOCKED
            assert seen == ["127.0.0.1"]
            await wire.close()

    run(scene())
