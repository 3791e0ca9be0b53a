"""Familiar heads: what is taken in one look is exactly what the long way would take; all else is not taken."""

from types import SimpleNamespace
from typing import Any

import pytest

from reelhook.api.access import Known
from reelhook.api.desk import HotRequest, HotRoute
from reelhook.api.familiar import FamiliarHead

LIMIT = 2000
BODY = b'{"type":"a","data":1}'
FIELDS = b"Host: x\r\nAuthorization: Bearer t\r\nContent-Length: %d\r\nContent-Type: application/json\r\n"


def request(body: bytes = BODY, *, extra: bytes = b"", line: bytes = b"POST /v1/events HTTP/1.1") -> bytes:
    return line + b"\r\n" + FIELDS % len(body) + extra + b"\r\n" + body


def learnt(data: bytes) -> FamiliarHead | None:
    head = data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in head)]
    route: Any = SimpleNamespace(path="/v1/events", limit="event")
    services: Any = SimpleNamespace(max_event_bytes=LIMIT)
    caller: Any = None
    published = HotRequest(HotRoute(route, services))
    published.known = Known(caller, 0)
    return FamiliarHead.learn(data, published, headers)


@pytest.mark.parametrize("body", [BODY, b"x", b"x" * 9, b"x" * 10, b"x" * LIMIT, b"\r\n\r\n", b"Content-Length: 7\r\n"])
def test_the_same_head_with_a_body_of_any_length_is_taken(body: bytes) -> None:
    known = learnt(request())
    assert known is not None
    assert known.body_in(request(body)) == body
    assert (known.authorization, known.app) == (b"Bearer t", None)


@pytest.mark.parametrize(
    "data",
    [
        request()[:-1],
        request() + b"x",
        request() * 2,
        request()[: len(request()) - len(BODY)],
        request()[:20],
        b"",
        request(line=b"POST /v1/events/batch HTTP/1.1"),
        request(line=b"POST /v1/events HTTP/1.0"),
        request(extra=b"Idempotency-Key: k\r\n"),
        request(extra=b"Content-Length: 21\r\n"),
        request().replace(b"Bearer t", b"Bearer u"),
        request().replace(b": 21\r\n", b": +21\r\n"),
        request().replace(b": 21\r\n", b": 2 1\r\n"),
        request().replace(b": 21\r\n", b": \r\n"),
        request().replace(b": 21\r\n", b": 21 \r\n"),
        request().replace(b": 21\r\n", b": " + b"0" * 5000 + b"21\r\n"),
        request().replace(b": 21\r\n", b": \xb2\xb9\r\n"),
        request(b"x" * (LIMIT + 1)),
    ],
)
def test_whatever_is_not_quite_so_goes_the_long_way(data: bytes) -> None:
    known = learnt(request())
    assert known is not None
    assert known.body_in(data) is None


@pytest.mark.parametrize(
    "data",
    [
        request(extra=b"Idempotency-Key: k\r\n"),
        request(extra=b"Expect: 100-continue\r\n"),
        request(extra=b"Upgrade: h2c\r\n"),
        request(extra=b"Connection: close\r\n"),
        request(extra=b"Transfer-Encoding: chunked\r\n"),
        request(extra=b"Host: y\r\n"),
        request(extra=b"X: " + b"y" * 3000 + b"\r\n"),
        request(line=b"POST /v1/events HTTP/1.0"),
        request() * 2,
        request()[:-1],
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_heads_that_are_a_case_of_their_own_are_not_learnt(data: bytes) -> None:
    assert learnt(data) is None


def test_a_client_that_says_keep_alive_is_familiar_too() -> None:
    assert learnt(request(extra=b"Connection: Keep-Alive\r\n")) is not None
