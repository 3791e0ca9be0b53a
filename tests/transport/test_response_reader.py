import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelhook.model.http import RESPONSE_BODY_CAP
from reelhook.transport.response_reader import HEAD_CAP, HEADERS_CAP, ProtocolBroken, ResponseReader

COUNTED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def feed_all(reader, data, sizes=()):
    """Feed in pieces until the reader has enough; return whether it had."""
    position = 0
    for size in [*sizes, len(data)]:
        piece = data[position : position + size]
        position += size
        if piece and reader.feed(piece):
            return True
    return False


def outcome(reader):
    return reader.status, reader.head, reader.body, reader.truncated, reader.reusable


@pytest.mark.parametrize("data", [COUNTED, CHUNKED, EMPTY, INTERIM + COUNTED, INTERIM + CHUNKED])
@given(sizes=st.lists(st.integers(1, 40), max_size=20))
def test_however_the_bytes_are_cut_the_response_is_the_same(data, sizes):
    whole, pieces = ResponseReader(), ResponseReader()
    assert whole.feed(data)
    assert feed_all(pieces, data, sizes)
    assert outcome(pieces) == outcome(whole)
    assert whole.reusable
    assert whole.body == (b"" if data is EMPTY else b"hello")


@given(sizes=st.lists(st.integers(1, 40), max_size=20))
def test_a_body_without_a_length_ends_with_the_connection(sizes):
    reader = ResponseReader()
    assert not feed_all(reader, TO_THE_END, sizes)
    assert reader.end()
    assert outcome(reader) == (200, b"Content-Type: text/plain\r\n", b"hello", False, False)


@pytest.mark.parametrize("data", [COUNTED, CHUNKED])
@given(left=st.integers(1, 30))
def test_the_end_of_the_connection_completes_no_framed_response(data, left):
    reader = ResponseReader()
    assert not reader.feed(data[:-left])
    assert not reader.end()


def test_the_head_is_the_header_lines_as_they_came():
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\nX-A:  one \r\nx-a:\r\nContent-Length: 0\r\n\r\n")
    assert reader.head == b"X-A:  one \r\nx-a:\r\nContent-Length: 0\r\n"


@given(
    bodies=st.lists(st.binary(max_size=30), min_size=2, max_size=6),
    extra=st.lists(st.sampled_from([b"", b"Date: now\r\n", b"Keep-Alive: timeout=9\r\n"]), min_size=6, max_size=6),
    seed=st.integers(0, 99),
)
def test_a_repeated_head_is_read_like_a_new_one(bodies, extra, seed):
    cuts = random.Random(seed)
    reader = ResponseReader()
    for body, more in zip(bodies, extra, strict=False):
        data = b"HTTP/1.1 200 OK\r\n" + more + b"Content-Length: %d\r\n\r\n" % len(body) + body
        fresh = ResponseReader()
        assert fresh.feed(data)
        assert feed_all(reader, data, [cuts.randint(1, len(data))] if cuts.random() < 0.5 else [])
        assert outcome(reader) == outcome(fresh)
        assert reader.keep_seconds == fresh.keep_seconds
        reader.next()


@given(st.binary(max_size=12), st.integers(0, 12))
def test_a_known_head_admits_only_its_own_length(tail, cut):
    reader = ResponseReader()
    assert reader.feed(COUNTED)
    reader.next()
    head = COUNTED[: -len(b"hello")]
    complete = reader.feed(head + tail)
    assert complete == (len(tail) >= 5)
    assert reader.reusable == (len(tail) <= 5) or not complete


STRAY = [b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"x", b"\0", COUNTED, EMPTY, b"HTTP/1.1 200", b"0\r\n\r\n"]


@pytest.mark.parametrize("stray", STRAY)
@pytest.mark.parametrize("data", [COUNTED, CHUNKED, EMPTY, CHUNKED.replace(b"A: b\r\n", b"")])
def test_anything_after_a_complete_response_spoils_the_connection_but_not_the_response(data, stray):
    reader = ResponseReader()
    assert reader.feed(data + stray)
    assert reader.status in (200, 204)
    assert reader.body == (b"" if data is EMPTY else b"hello")
    assert not reader.reusable


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_a_receiver_that_wants_to_close_is_not_asked_again(data):
    reader = ResponseReader()
    assert reader.feed(data)
    assert not reader.reusable


BROKEN = {
    "not http": b"SSH-2.0-OpenSSH_9\r\n",
    "http 2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "http 0.9": b"<html>",
    "tls": b"\x15\x03\x01\x00\x02\x02\x46",
    "leading line": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n",
    "blank in name": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
    "signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
    "hex length": b"HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\nx",
    "huge length": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "gzip, chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, gzip": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "xchunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "chunk too long": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "chunk size of LF": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
    "status 99": b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
    "status of 4 digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "switching": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "switching bare": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "six interim": b"HTTP/1.1 100 Continue\r\n\r\n" * 6 + COUNTED,
    "large head": b"HTTP/1.1 200 OK\r\nA: " + b"x" * HEAD_CAP,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (HEADERS_CAP + 1) + b"\r\n",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_what_breaks_the_protocol_is_an_error_however_it_is_cut(data, size):
    reader = ResponseReader()
    with pytest.raises(ProtocolBroken, match=r"^The .*\.$"):
        assert not feed_all(reader, data, [size] * (len(data) // size))


def test_up_to_five_interim_answers_are_passed_over():
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + COUNTED)
    assert outcome(reader)[0] == 200
    assert reader.body == b"hello"


@pytest.mark.parametrize("size", [RESPONSE_BODY_CAP, RESPONSE_BODY_CAP + 1, 10 * 2**30])
def test_a_counted_body_is_cut_at_the_cap(size):
    reader = ResponseReader()
    assert not reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    assert not reader.feed(b"x" * (RESPONSE_BODY_CAP - 1))
    assert reader.feed(b"x" * min(1000, size - RESPONSE_BODY_CAP + 1))
    assert len(reader.body) == RESPONSE_BODY_CAP
    assert reader.truncated == (size > RESPONSE_BODY_CAP)
    assert reader.reusable == (size == RESPONSE_BODY_CAP)


@pytest.mark.parametrize("piece", [b"10\r\n0123456789abcdef\r\n", b"1;" + b"e" * 999 + b"\r\nx\r\n"])
def test_endless_chunks_are_cut(piece):
    reader = ResponseReader()
    fed = 0
    assert not reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not reader.feed(piece):
        fed += len(piece)
        assert fed < 16 * RESPONSE_BODY_CAP
    assert reader.truncated
    assert len(reader.body) <= RESPONSE_BODY_CAP


@pytest.mark.parametrize(
    ("start", "endless"),
    [(b"0\r\n", b"A: b\r\n" * 10), (b"1;", b"x" * 64), (b"", b"0" * 64)],
    ids=["trailers", "extension", "zeros"],
)
def test_what_comes_beside_the_data_of_chunks_is_limited_too(start, endless):
    reader = ResponseReader()
    assert not reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + start)
    fed = 0
    while not reader.feed(endless):
        fed += len(endless)
        assert fed < 16 * RESPONSE_BODY_CAP
    assert reader.truncated
    assert not reader.reusable


def test_no_trailer_becomes_part_of_the_head_or_the_body():
    reader = ResponseReader()
    assert reader.feed(CHUNKED)
    assert reader.head == b"Transfer-Encoding: chunked\r\n"
    assert reader.body == b"hello"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"timeout=5", 5.0),
        (b"timeout=5, max=100", 5.0),
        (b"max=100, Timeout=7", 7.0),
        (b"max=100", None),
        (b"timeout=soon", None),
        (b"", None),
    ],
)
def test_the_advertised_time_is_read(value, seconds):
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\nKeep-Alive: " + value + b"\r\nContent-Length: 0\r\n\r\n")
    assert reader.keep_seconds == seconds


@given(st.binary(max_size=200))
def test_no_bytes_make_it_do_anything_but_answer_or_refuse(data):
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        reader = ResponseReader()
        try:
            reader.feed(prefix + data)
        except ProtocolBroken:
            continue
        reader.end()
