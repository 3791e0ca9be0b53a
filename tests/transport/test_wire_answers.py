"""What receivers answer, well or badly, and what the wire makes of it."""

import asyncio
import gzip

import pytest
from tests.support.receiver import (
    REFUSING,
    Receiver,
    answering,
    close,
    deaf,
    drip,
    flood,
    hang,
    read,
    reset,
    response,
    send,
    wait,
)
from tests.transport.wire_scene import LOOPBACK, post

from reelhook.model.attempt import Failure
from reelhook.model.http import RESPONSE_BODY_CAP
from reelhook.transport.http import HttpWire


def exchange(run, *script, body=b'{"a": 1}', timeout=5.0):
    """Send one request to a receiver that plays a script; return the response and the receiver."""

    async def scene():
        wire = HttpWire(exceptions=LOOPBACK)
        async with Receiver(script) as receiver:
            answer = await wire.send(post(receiver.url, body, timeout))
            await wire.close()
            assert wire.open_connections == 0
            return answer, receiver

    return run(scene())


def test_a_response_comes_back_whole(run):
    answer, receiver = exchange(run, *answering(201, b"made", {"X-Id": "7"}))
    assert (answer.status, answer.body, answer.truncated, answer.failure) == (201, b"made", False, None)
    assert answer.header("x-id") == ["7"]
    assert answer.sent
    assert answer.remote_address == "127.0.0.1"
    assert answer.timing.dns is None
    assert answer.timing.connect is not None
    assert answer.timing.tls is None
    assert answer.timing.first_byte is not None
    assert receiver.requests[0].raw == post(receiver.url).head + b"\r\n" + b'{"a": 1}'


@pytest.mark.parametrize("status", [204, 301, 404, 410, 429, 500, 599, 777])
def test_every_status_is_an_answer_and_no_failure_of_the_wire(run, status):
    answer, _ = exchange(run, *answering(status))
    assert (answer.status, answer.failure, answer.error) == (status, None, None)


def test_a_large_request_arrives_whole(run):
    body = bytes(range(256)) * 20_000
    answer, receiver = exchange(run, *answering(200), body=body)
    assert answer.status == 200
    assert receiver.requests[0].body == body


@pytest.mark.fault("R17")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_never_followed(run, status):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK)
        async with (
            Receiver() as elsewhere,
            Receiver(answering(status, headers={"Location": elsewhere.url})) as receiver,
        ):
            answer = await wire.send(post(receiver.url))
            await wire.close()
            assert answer.status == status
            assert len(receiver.requests) == 1
            assert elsewhere.connections == 0

    run(scene())


@pytest.mark.fault("R18")
@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (REFUSING, "without an answer"),
        ((read, close), "without an answer"),
        ((read, reset), "without an answer"),
        ((read, send(b"HTTP/1.1 200 OK\r\nContent-"), close), "middle of its answer's header"),
        ((read, send(b"HTTP/1.1 200 OK\r\nContent-"), reset), "middle of its answer's header"),
        ((read, send(response(200, b"12345")[:-2]), close), "before its answer was complete"),
        ((read, send(response(200, b"12345")[:-2]), reset), "before its answer was complete"),
        ((read, send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), close), "before its answer"),
    ],
)
def test_a_connection_that_breaks_is_a_reset(run, script, sentence):
    answer, _ = exchange(run, *script)
    assert answer.failure is Failure.RESET
    assert sentence in answer.error
    assert answer.sent


def test_a_response_cut_short_keeps_what_had_arrived(run):
    answer, _ = exchange(run, read, send(response(202, b"12345")[:-2]), close)
    assert (answer.status, answer.body, answer.truncated) == (202, b"123", True)
    assert answer.header("content-length") == ["5"]


@pytest.mark.fault("R18")
def test_a_port_where_nobody_listens_is_refused_and_nothing_was_sent(run):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK)
        async with Receiver() as receiver:
            url = receiver.url
        answer = await wire.send(post(url))
        await wire.close()
        assert answer.failure is Failure.REFUSED
        assert not answer.sent
        assert answer.status is None

    run(scene())


def test_a_body_that_ends_with_the_connection_is_complete(run):
    answer, _ = exchange(run, read, send(b"HTTP/1.1 200 OK\r\n\r\nall of it"), close)
    assert (answer.status, answer.body, answer.truncated, answer.failure) == (200, b"all of it", False, None)


def test_a_body_that_should_end_with_the_connection_but_is_reset_is_a_failure(run):
    answer, _ = exchange(run, read, send(b"HTTP/1.1 200 OK\r\n\r\nall of"), reset)
    assert (answer.status, answer.failure) == (200, Failure.RESET)


def test_an_answer_in_single_bytes_is_an_answer(run):
    answer, _ = exchange(run, read, drip(b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, b"hello")), hang)
    assert (answer.status, answer.body, answer.failure) == (200, b"hello", None)


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"\x15\x03\x01",
    ],
)
def test_what_is_not_http_is_a_protocol_error(run, first):
    answer, _ = exchange(run, read, send(first), hang)
    assert answer.failure is Failure.PROTOCOL
    assert answer.status is None


def test_a_server_that_speaks_first_is_a_protocol_error(run):
    answer, _ = exchange(run, send(b"220 mail.example ESMTP\r\n"), hang)
    assert answer.failure is Failure.PROTOCOL


def test_an_answer_before_the_whole_request_was_taken_wins_over_the_failed_write(run):
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"
    answer, _ = exchange(run, send(b""), wait_for_bytes, send(refusal), close, body=b"x" * 30_000_000)
    assert (answer.status, answer.body, answer.failure) == (413, b"big", None)


def test_a_head_before_the_whole_request_was_taken_wins_even_without_its_body(run):
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 30\r\n\r\nbig"
    answer, _ = exchange(run, wait_for_bytes, send(refusal), reset_after_reading, body=b"x" * 30_000_000)
    assert (answer.status, answer.body, answer.truncated, answer.failure) == (413, b"big", True, None)


async def wait_for_bytes(conversation):
    await conversation.reader.readexactly(10)


async def reset_after_reading(conversation):
    """Reset only when the answer is sure to have arrived: the sender has sent on since."""
    await conversation.reader.readexactly(1_000_000)
    conversation.reset()


@pytest.mark.fault("S8")
@pytest.mark.parametrize("status", [200, 500])
def test_ten_gigabytes_are_not_read(run, status):
    head = f"HTTP/1.1 {status} x\r\nContent-Length: 10737418240\r\n\r\n".encode()
    answer, receiver = exchange(run, read, send(head), flood(b"x" * 65536))
    assert (answer.status, answer.failure, answer.truncated) == (status, None, True)
    assert len(answer.body) == RESPONSE_BODY_CAP
    assert receiver.flooded < 2**26, "what the kernel buffered, and no more"


@pytest.mark.fault("S8")
def test_endless_chunks_are_not_read(run):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer, receiver = exchange(run, read, send(head), flood(b"400\r\n" + b"x" * 1024 + b"\r\n"))
    assert (answer.status, answer.failure, answer.truncated) == (200, None, True)
    assert len(answer.body) == RESPONSE_BODY_CAP
    assert receiver.flooded < 2**26


@pytest.mark.fault("S8")
def test_an_endless_body_without_a_length_is_not_read(run):
    answer, _ = exchange(run, read, send(b"HTTP/1.1 200 OK\r\n\r\n"), flood(b"x" * 65536))
    assert (answer.status, answer.failure, answer.truncated, len(answer.body)) == (200, None, True, RESPONSE_BODY_CAP)


@pytest.mark.fault("S9")
def test_a_compressed_bomb_is_kept_as_it_came(run):
    bomb = gzip.compress(bytes(10_000_000))
    answer, _ = exchange(run, *answering(200, bomb, {"Content-Encoding": "gzip"}))
    assert (answer.status, answer.body, answer.failure) == (200, bomb, None)


@pytest.mark.fault("S9")
@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nA: " + b"x" * 2**20 + b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000 + b"\r\n"],
)
def test_a_header_too_large_is_a_protocol_error(run, head):
    answer, _ = exchange(run, read, send(head), hang)
    assert answer.failure is Failure.PROTOCOL


SLOW = {
    "no answer": ((read, hang), None, "did not answer within 0.2 s"),
    "slow head": ((read, drip(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 999, 0.02)), None, "did not answer"),
    "slow body": (
        (read, send(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"), drip(b"x" * 999, 0.02)),
        200,
        "did not finish its answer",
    ),
    "slow endless body": ((read, send(b"HTTP/1.1 200 OK\r\n\r\n"), drip(b"x" * 999, 0.02)), 200, "did not finish"),
    "slow interim": ((read, drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 5, 0.02)), None, "did not answer"),
}


@pytest.mark.fault("S10")
@pytest.mark.parametrize(("script", "status", "sentence"), SLOW.values(), ids=SLOW)
def test_the_deadline_is_for_the_whole_exchange_however_slowly_it_goes_on(run, script, status, sentence):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK)
        async with Receiver((read, send(response()), *script)) as receiver:
            await wire.send(post(receiver.url))  # so that a busy machine does not spend the time on connecting
            answer = await wire.send(post(receiver.url, timeout=0.2))
            assert (answer.failure, answer.status) == (Failure.TIMEOUT, status)
            assert sentence in answer.error
            assert answer.sent
            await receiver.until(lambda r: r.open_connections == 0)
            assert wire.open_connections == 0
        await wire.close()

    run(scene())


@pytest.mark.fault("S10")
def test_a_receiver_that_accepts_and_never_reads_is_left_at_the_deadline(run):
    answer, _ = exchange(run, deaf, body=b"x" * 30_000_000, timeout=0.4)
    assert answer.failure is Failure.TIMEOUT
    assert "did not take the whole request" in answer.error


def test_who_gives_up_takes_the_connection_with_him(run):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK)
        async with Receiver((read, hang)) as receiver:
            sending = asyncio.create_task(wire.send(post(receiver.url)))
            await receiver.until(lambda r: len(r.requests) == 1)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await receiver.until(lambda r: r.open_connections == 0)
        await wire.close()

    run(scene())


def test_closing_reports_what_is_under_way_as_interrupted(run):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK)
        async with Receiver((read, hang)) as receiver:
            sending = asyncio.create_task(wire.send(post(receiver.url)))
            await receiver.until(lambda r: len(r.requests) == 1)
            await wire.close()
            answer = await sending
            assert answer.failure is Failure.INTERRUPTED
            assert answer.sent

    run(scene())


def test_a_deadline_of_an_earlier_exchange_does_not_end_a_later_one(run):
    async def scene():
        go_on = asyncio.Event()
        wire = HttpWire(exceptions=LOOPBACK)
        async with Receiver((read, send(response()), read, wait(go_on), send(response(202)))) as receiver:
            await wire.send(post(receiver.url, timeout=0.3))
            later = asyncio.create_task(wire.send(post(receiver.url, timeout=5.0)))
            asyncio.get_running_loop().call_later(0.4, go_on.set)
            assert (await later).status == 202
            assert receiver.connections == 1
        await wire.close()

    run(scene())
