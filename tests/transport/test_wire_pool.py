"""Which connection carries which exchange."""

import asyncio
import time

import pytest
from tests.support.receiver import Receiver, answering, close, hang, read, reset, response, send, wait
from tests.transport.wire_scene import LOOPBACK, Turned, post

from reelhook.model.attempt import Failure
from reelhook.transport.connection import Connection
from reelhook.transport.http import HttpWire


def scene_of(run, scenario, *scripts, now=None):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK, now=now) if now else HttpWire(exceptions=LOOPBACK)
        async with Receiver(*scripts) as receiver:
            await scenario(wire, receiver)
            await wire.close()

    run(scene())


def test_exchanges_one_after_the_other_share_a_connection(run):
    async def scenario(wire, receiver):
        first = await wire.send(post(receiver.url))
        second = await wire.send(post(receiver.url))
        assert receiver.connections == 1
        assert first.timing.connect is not None
        assert (second.timing.dns, second.timing.connect, second.timing.tls) == (None, None, None)
        assert second.timing.total >= second.timing.first_byte > 0
        assert second.remote_address == "127.0.0.1"

    scene_of(run, scenario)


def test_exchanges_at_the_same_time_have_connections_of_their_own(run):
    async def scenario(wire, receiver):
        answers = await asyncio.gather(*(wire.send(post(receiver.url, b"%d" % n)) for n in range(20)))
        assert [answer.status for answer in answers] == [200] * 20
        assert sorted(int(request.body) for request in receiver.requests) == list(range(20))
        assert receiver.connections == 20

    scene_of(run, scenario)


def test_each_gets_the_answer_to_its_own_request(run):
    def echo(number):
        async def step(conversation):
            while True:
                received = await conversation.request()
                await conversation.write(response(200, received.body * number))

        return (step,)

    async def scenario(wire, receiver):
        async def sender(name):
            for n in range(30):
                body = b"%d-%d;" % (name, n)
                assert (await wire.send(post(receiver.url, body))).body == body

        await asyncio.gather(*(sender(name) for name in range(8)))
        assert receiver.connections == 8

    scene_of(run, scenario, echo(1))


@pytest.mark.parametrize(
    ("headers", "idle", "connections"),
    [
        ({}, 3.9, 1),
        ({}, 4.1, 2),
        ({"Keep-Alive": "timeout=30"}, 28.0, 1),
        ({"Keep-Alive": "timeout=30"}, 29.5, 2),
        ({"Keep-Alive": "timeout=2"}, 0.9, 1),
        ({"Keep-Alive": "timeout=2"}, 1.1, 2),
        ({"Keep-Alive": "timeout=0"}, 0.0, 2),
        ({"Keep-Alive": "timeout=99999"}, 61.0, 2),
        ({"Connection": "close"}, 0.0, 2),
    ],
)
def test_an_idle_connection_is_used_again_for_four_seconds_or_as_advertised(run, headers, idle, connections):
    now = Turned()

    async def scenario(wire, receiver):
        await wire.send(post(receiver.url))
        now.seconds += idle
        await wire.send(post(receiver.url))
        assert receiver.connections == connections

    scene_of(run, scenario, answering(200, headers=headers), now=now)


def test_no_connection_is_used_for_more_than_five_minutes(run):
    now = Turned()

    async def scenario(wire, receiver):
        for _ in range(100):
            await wire.send(post(receiver.url))
            now.seconds += 3
        assert receiver.connections == 1
        now.seconds += 1
        await wire.send(post(receiver.url))
        assert receiver.connections == 2

    scene_of(run, scenario, now=now)


def test_idle_connections_are_closed_in_time_though_nobody_asks_for_them(run):
    now = Turned()

    async def scenario(wire, receiver):
        await wire.send(post(receiver.url))
        now.seconds += 5
        await receiver.until(lambda r: r.open_connections == 0)
        assert wire.open_connections == 0

    scene_of(run, scenario, now=now)


def test_a_reused_connection_that_died_is_replaced_once_within_the_attempt(run):
    async def scenario(wire, receiver):
        await wire.send(post(receiver.url, b"first"))
        answer = await wire.send(post(receiver.url, b"second"))
        assert (answer.status, answer.replayed, answer.sent) == (200, True, True)
        assert answer.timing.connect is not None
        assert [request.body for request in receiver.requests] == [b"first", b"second", b"second"]

    scene_of(run, scenario, (read, send(response()), read, close), answering())


@pytest.mark.parametrize("end", [close, reset])
def test_a_replay_that_fails_too_is_a_failure(run, end):
    async def scenario(wire, receiver):
        await wire.send(post(receiver.url))
        answer = await wire.send(post(receiver.url))
        assert (answer.failure, answer.replayed, answer.sent) == (Failure.RESET, True, True)
        assert receiver.connections == 2

    scene_of(run, scenario, (read, send(response()), read, end), (read, end))


def test_a_replay_that_finds_nobody_says_that_the_request_may_have_arrived(run):
    async def scenario(wire, receiver):
        await wire.send(post(receiver.url))
        answer = await wire.send(post(receiver.url))
        assert (answer.failure, answer.replayed, answer.sent) == (Failure.REFUSED, True, True)

    async def leave(conversation):
        conversation.receiver.stop_listening()
        conversation.reset()

    scene_of(run, scenario, (read, send(response()), read, leave))


def test_nothing_is_replayed_once_a_byte_of_the_answer_came(run):
    async def scenario(wire, receiver):
        await wire.send(post(receiver.url))
        answer = await wire.send(post(receiver.url))
        assert (answer.failure, answer.replayed) == (Failure.RESET, False)
        assert len(receiver.requests) == 2

    scene_of(run, scenario, (read, send(response()), read, send(b"H"), close), answering())


def test_nothing_is_replayed_after_the_deadline(run):
    async def scenario(wire, receiver):
        await wire.send(post(receiver.url))
        answer = await wire.send(post(receiver.url, timeout=0.05))
        assert (answer.failure, answer.replayed) == (Failure.TIMEOUT, False)
        assert len(receiver.requests) == 2

    scene_of(run, scenario, (read, send(response()), read, hang), answering())


def test_a_connection_that_the_receiver_closed_while_idle_is_not_used(run):
    async def scenario(wire, receiver):
        await wire.send(post(receiver.url))
        await receiver.until(lambda r: r.open_connections == 0)
        while wire.open_connections:
            await asyncio.sleep(0)
        answer = await wire.send(post(receiver.url))
        assert (answer.status, answer.replayed) == (200, False)

    scene_of(run, scenario, (read, send(response()), close), answering())


@pytest.mark.parametrize("stray", [b"\r\n", b"x", response(200, b"somebody else's")])
def test_a_second_answer_is_never_taken_for_the_next_ones(run, stray):
    async def scenario(wire, receiver):
        first = await wire.send(post(receiver.url))
        second = await wire.send(post(receiver.url))
        assert (first.body, second.body) == (b"first", b"second")
        assert not second.replayed
        assert receiver.connections == 2

    scene_of(run, scenario, (read, send(response(200, b"first") + stray), hang), answering(200, b"second"))


@pytest.mark.parametrize("stray", [b"\r\n", b"x", response(200, b"somebody else's")])
def test_a_byte_on_an_idle_connection_closes_it(run, stray):
    async def scenario(wire, receiver):
        assert (await wire.send(post(receiver.url))).body == b"first"
        go_on.set()
        while wire.open_connections:
            await asyncio.sleep(0)
        assert (await wire.send(post(receiver.url))).body == b"second"

    go_on = asyncio.Event()
    scene_of(
        run, scenario, (read, send(response(200, b"first")), wait(go_on), send(stray), hang), answering(200, b"second")
    )


@pytest.mark.interpreted
def test_who_gives_up_just_after_his_answer_came_leaves_the_connection_to_its_next_user(run, monkeypatch):
    exchange = Connection.exchange
    second = []

    async def scenario(wire, receiver):
        await wire.send(post(receiver.url))

        def seized(connection, request, started, written, *, replayed):
            """Before the sender hears of his answer, he gives up and somebody else takes the connection."""
            answer = exchange(connection, request, started, written, replayed=replayed)

            def seize(_):
                first.cancel()
                taken = wire._pool.take(connection.key, time.monotonic())
                second.append(exchange(taken, request, time.monotonic(), time.monotonic(), replayed=False))

            answer.add_done_callback(seize)
            return answer

        monkeypatch.setattr(Connection, "exchange", seized)
        first = asyncio.create_task(wire.send(post(receiver.url)))
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await second[0]).status == 200
        assert receiver.connections == 1

    scene_of(run, scenario)


def test_other_hosts_and_ports_do_not_share_a_connection(run):
    async def scenario(wire, receiver):
        async with Receiver() as other:
            await wire.send(post(receiver.url))
            await wire.send(post(other.url))
            await wire.send(post(receiver.url.replace("127.0.0.1", "127.0.0.2")))
            assert (receiver.connections, other.connections) == (1, 1)

    scene_of(run, scenario)


def test_who_gives_up_at_any_moment_leaves_no_connection_behind(run):
    async def scenario(wire, receiver):
        for turns in range(12):
            sending = asyncio.create_task(wire.send(post(receiver.url, b"%d" % turns)))
            for _ in range(turns):
                await asyncio.sleep(0)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        async with asyncio.timeout(10):
            while wire.open_connections > sum(map(len, wire._pool._idle.values())):
                await asyncio.sleep(0)

    scene_of(run, scenario)
