"""The door on a real socket: what it answers itself, what it passes on, and what ends a connection."""

import asyncio
import json
import re
import socket
import time

import pytest
from tests.api.house import OPERATOR
from tests.api.served import ServedHouse

EVENT = b'{"type": "asset.created", "data": {"asset": {"id": "a"}}}'
AUTH = f"Authorization: Bearer {OPERATOR}\r\n".encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    path = tmp_path_factory.mktemp("door") / "reelhook.db"
    with ServedHouse(path, max_event_bytes="100000", max_batch_bytes="200000") as served:
        yield served


class Peer:
    """A client that writes bytes as they are."""

    def __init__(self, served):
        self.socket = socket.create_connection(("127.0.0.1", served.port), timeout=20)
        self._read = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def answer(self):
        """Read one answer: status, headers, body."""
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(headers.get("content-length", "0"))
        while len(self._read) < length:
            self._more()
        body, self._read = self._read[:length], self._read[length:]
        return int(lines[0].split()[1]), headers, body

    def is_over(self):
        """Wait for the end; nothing may come before it."""
        return self._read == b"" and self.socket.recv(65536) == b""

    def _more(self):
        data = self.socket.recv(65536)
        assert data, f"the connection ended within an answer: {self._read!r}"
        self._read += data


def post(body=EVENT, path=b"/v1/events", headers=b"", auth=AUTH):
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Type: application/json\r\n%b%b\r\n%b" % (
        path,
        auth,
        length,
        headers,
        body,
    )


def chunked(*parts):
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def test_requests_one_after_the_other_keep_the_connection(served):
    with Peer(served) as peer:
        for path, body in ((b"/v1/events", EVENT), (b"/v1/events/batch", b"[%b,%b]" % (EVENT, EVENT))):
            peer.send(post(body, path))
            status, headers, answer = peer.answer()
            assert status == 202
            assert headers["content-type"] == "application/json"
            assert headers["x-content-type-options"] == "nosniff"
            assert "connection" not in headers
            receipts = json.loads(answer).get("items", [json.loads(answer)])
            assert all(receipt["id"].startswith("evt_") for receipt in receipts)
        peer.send(GET)
        assert peer.answer()[0] == 200
        peer.send(post())
        assert peer.answer()[0] == 202


def test_pipelined_requests_are_answered_in_order(served):
    with Peer(served) as peer:
        bodies = [b'{"type": "own.type_%d", "data": 1}' % number for number in range(200)]
        bodies[50] = b"{"
        peer.send(*[post(body) for body in bodies])
        answers = [peer.answer() for _ in bodies]
    assert [status for status, _, _ in answers] == [400 if number == 50 else 202 for number in range(200)]
    types = [json.loads(body).get("type") for _, _, body in answers]
    assert [kind for kind in types if kind.startswith("own")] == [f"own.type_{n}" for n in range(200) if n != 50]


def test_a_header_that_says_twice_who_calls_is_malformed(served):
    listing = b"GET /v1/endpoints HTTP/1.1\r\nHost: x\r\n" + AUTH + AUTH + b"\r\n"
    for request in (post(auth=AUTH + AUTH), post(auth=AUTH + b"authorization: Bearer other\r\n"), listing):
        with Peer(served) as peer:
            peer.send(request)
            status, _, body = peer.answer()
        assert status == 400
        assert json.loads(body)["errors"][0]["detail"] == "send the header authorization once"
    with Peer(served) as peer:
        peer.send(post(headers=b"X-A: 1\r\nX-A: 2\r\n"))
        assert peer.answer()[0] == 202


def test_bytes_that_come_one_by_one_make_the_same_request(served):
    with Peer(served) as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in post():
            peer.send(bytes([byte]))
        assert peer.answer()[0] == 202


def test_what_is_pipelined_behind_an_answer_of_the_other_kind_is_never_answered_out_of_order(served):
    with Peer(served) as peer:
        peer.send(GET, post(), post())
        assert [peer.answer()[0] for _ in range(3)] == [200, 202, 202]
    with Peer(served) as peer:
        peer.send(post(), GET)
        status, headers, _ = peer.answer()
        assert (status, headers["connection"]) == (202, "close")
        assert peer.is_over()


def test_a_chunked_body_is_put_together_and_its_limit_holds(served):
    head = b"POST /v1/events HTTP/1.1\r\nHost: x\r\n" + AUTH + b"Transfer-Encoding: chunked\r\n\r\n"
    with Peer(served) as peer:
        peer.send(head, chunked(EVENT[:10], EVENT[10:]))
        assert peer.answer()[0] == 202
        peer.send(head, *[b"8000\r\n" + b"x" * 0x8000 + b"\r\n"] * 4)
        status, headers, body = peer.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert json.loads(body)["type"].endswith("/too-large")
        peer.send(b"0\r\n\r\n")
        assert peer.is_over()


@pytest.mark.fault("S18")
def test_a_body_that_says_it_is_too_large_is_refused_at_once_and_the_client_can_still_read_why(served):
    with Peer(served) as peer:
        peer.send(post(b"x" * 5_000_000))
        assert peer.answer()[0] == 413
        assert peer.is_over()
    with Peer(served) as peer:
        peer.send(b"POST /v1/events HTTP/1.1\r\nHost: x\r\n" + AUTH + b"Content-Length: 100000000000\r\n\r\n")
        assert peer.answer()[0] == 413


@pytest.mark.parametrize(
    ("auth", "status"),
    [(b"", 401), (b"Authorization: Bearer nobody\r\n", 401), (AUTH + b"Reelhook-App: no-such\r\n", 404)],
)
def test_who_is_not_let_in_hears_so_before_the_body_is_sent(served, auth, status):
    with Peer(served) as peer:
        peer.send(post(auth=auth)[: -len(EVENT)])
        got, headers, body = peer.answer()
        assert (got, headers["content-type"]) == (status, "application/problem+json")
        assert json.loads(body)["instance"] == "/v1/events"
        assert ("www-authenticate" in headers) == (status == 401)
        peer.send(EVENT)
        assert peer.is_over()


def test_a_role_or_scope_that_is_missing_is_refused(served):
    from reelhook.model.access import Role, Scope

    served.do(served.house.add_token("a-viewer", Role.VIEWER))
    served.do(served.house.add_token("a-narrow-member", Role.MEMBER, Scope.DELIVERIES_READ))
    served.do(served.house.add_token("a-publisher", Role.MEMBER, Scope.EVENTS_WRITE))
    for token, status in ((b"a-viewer", 403), (b"a-narrow-member", 403), (b"a-publisher", 202)):
        with Peer(served) as peer:
            peer.send(post(auth=b"authorization: bearer %b\r\n" % token))
            assert peer.answer()[0] == status


def test_expect_100_continue_is_answered_before_the_body(served):
    with Peer(served) as peer:
        request = post(headers=b"Expect: 100-continue\r\n")
        peer.send(request[: -len(EVENT)])
        assert peer.answer()[0] == 100
        peer.send(EVENT)
        assert peer.answer()[0] == 202
    with Peer(served) as peer:
        peer.send(post(auth=b"", headers=b"Expect: 100-continue\r\n")[: -len(EVENT)])
        assert peer.answer()[0] == 401
        assert peer.is_over()


@pytest.mark.parametrize(
    "request_", [post(headers=b"Connection: close\r\n"), post().replace(b"HTTP/1.1", b"HTTP/1.0")], ids=["close", "1.0"]
)
def test_a_client_that_wants_the_connection_closed_gets_it_closed_after_the_answer(served, request_):
    with Peer(served) as peer:
        peer.send(request_)
        status, headers, _ = peer.answer()
        assert (status, headers["connection"]) == (202, "close")
        assert peer.is_over()


def test_a_client_that_closes_its_half_still_gets_its_answer(served):
    with Peer(served) as peer:
        peer.send(post())
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.answer()[0] == 202
        assert peer.is_over()


@pytest.mark.parametrize("path", [b"/v1/events", b"/v1/endpoints"])
@pytest.mark.parametrize("header", [b"X-Big: " + b"x" * 70_000, b"X-Many: 1\r\n" * 9000 + b"X-Last: 1"])
def test_headers_over_their_limit_are_refused(served, path, header):
    with Peer(served) as peer:
        peer.send(post(path=path, headers=header + b"\r\n"))
        status, headers, _ = peer.answer()
        assert (status, headers["content-type"]) == (431, "application/problem+json")


def test_a_header_that_never_ends_is_refused(served):
    with Peer(served) as peer:
        peer.send(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Endless: ")
        for _ in range(8):
            peer.send(b"x" * 16_384)
        assert peer.answer()[0] == 431


@pytest.mark.parametrize(
    "garbage",
    [
        b"nonsense\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ],
)
def test_what_is_not_http_is_a_problem_and_the_end(served, garbage):
    with Peer(served) as peer:
        peer.send(post(), garbage)
        assert peer.answer()[0] == 202
        status, headers, body = peer.answer()
        assert (status, headers["connection"]) == (400, "close")
        assert json.loads(body)["status"] == 400
        assert peer.is_over()


def test_a_chunked_body_that_breaks_ends_the_connection_on_both_paths(served):
    for path in (b"/v1/events", b"/v1/endpoints"):
        with Peer(served) as peer:
            head = b"POST %b HTTP/1.1\r\nHost: x\r\n" % path + AUTH + b"Transfer-Encoding: chunked\r\n\r\n"
            peer.send(head, b"5\r\nabcde\r\nZZ\r\n")
            assert peer.answer()[0] == 400
            assert peer.is_over()


def test_the_door_and_the_application_answer_alike(served):
    bad = [b"{", b'{"type": 5}', b'{"type": "a b", "data": 1}', b"[]"]
    for body in bad:
        with Peer(served) as peer:
            peer.send(post(body))
            door = peer.answer()
            peer.send(post(body).replace(b"/v1/events", b"http://x/v1/events"))
            other = peer.answer()
        assert (door[0], door[2]) == (other[0], other[2])
        assert re.sub("content-length.*", "", str(sorted(door[1]))) == re.sub(
            "content-length.*", "", str(sorted(other[1]))
        )


def test_an_idempotency_key_counts_at_the_door(served):
    with Peer(served) as peer:
        peer.send(*[post(headers=b'Idempotency-Key: "door-key"\r\n')] * 3)
        first, *rest = [peer.answer() for _ in range(3)]
        assert first[0] == 202
        assert all(answer[2] == first[2] for answer in rest)
        peer.send(post(b'{"type": "asset.created", "data": 2}', headers=b"Idempotency-Key: door-key\r\n"))
        assert peer.answer()[0] == 422
        peer.send(post(headers=b"Idempotency-Key: \r\n"))
        assert peer.answer()[0] == 400


def test_a_familiar_head_publishes_each_body_as_it_is(served):
    with Peer(served) as peer:
        for number in (1, 22, 333, 4444):
            peer.send(post(b'{"type": "familiar.head", "data": %d}' % number))
            assert peer.answer()[0] == 202
    listed = served.do(served.house.get("/v1/events?event_type=familiar.head"))["items"]
    data = [served.do(served.house.get(f"/v1/events/{one['id']}"))["data"] for one in listed]
    assert data == [4444, 333, 22, 1]


def test_a_familiar_head_is_held_to_every_rule(served):
    with Peer(served) as peer:
        for _ in range(2):
            peer.send(post())
            assert peer.answer()[0] == 202
        peer.send(post(b"{"))
        assert peer.answer()[0] == 400
        peer.send(post(), post(b'{"type": "x y", "data": 1}'))
        assert [peer.answer()[0] for _ in range(2)] == [202, 422]
        peer.send(post()[:-5])
        time.sleep(0.05)
        peer.send(post()[-5:])
        assert peer.answer()[0] == 202
        peer.send(post(b" " * 100001))
        assert peer.answer()[0] == 413


def test_a_familiar_head_whose_token_is_removed_is_let_in_no_more(served):
    made = served.do(served.house.post("/v1/tokens", {"name": "leaver", "role": "member"}))
    auth = f"Authorization: Bearer {made['token']}\r\n".encode()
    with Peer(served) as peer:
        for _ in range(2):
            peer.send(post(auth=auth))
            assert peer.answer()[0] == 202
        assert served.do(served.house.ask("DELETE", f"/v1/tokens/{made['id']}")).status == 204
        peer.send(post(auth=auth))
        assert peer.answer()[0] == 401


def test_a_fault_of_ours_is_a_problem(served, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret detail")

    def later(*_):
        promised = asyncio.get_running_loop().create_future()
        promised.set_exception(RuntimeError("secret detail"))
        return promised

    desk = served.house.door.desk
    with Peer(served) as peer:
        for publish in (broken, later):
            monkeypatch.setattr(desk, "_publish", publish)
            peer.send(post())
            status, _, body = peer.answer()
            assert status == 500
            assert b"secret" not in body


def test_a_request_that_does_not_come_to_its_end_and_an_idle_connection_are_closed(tmp_path, monkeypatch):
    with ServedHouse(tmp_path / "r.db") as served:
        monkeypatch.setattr(served.house.door, "deadline", 0.2)
        for unfinished in (b"POST /v1/events HT", post()[:-5], post(path=b"/v1/endpoints")[:-5]):
            with Peer(served) as peer:
                peer.send(unfinished)
                status, headers, _ = peer.answer()
                assert (status, headers["connection"]) == (408, "close")
                assert peer.is_over()


def test_a_client_that_does_not_read_is_not_read_from(served):
    with Peer(served) as peer:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.socket.settimeout(1)
        many = post(b"{") * 1000
        with pytest.raises(TimeoutError):
            peer.socket.sendall(many * 200)


def test_what_was_handed_over_is_committed_though_the_client_is_gone(served):
    before = events(served)
    with Peer(served) as peer:
        peer.send(post(b'{"type": "gone.client", "data": 1}'))
    until(lambda: events(served) > before)


def test_a_stop_answers_what_is_under_way_and_closes(tmp_path, monkeypatch):
    with ServedHouse(tmp_path / "r.db") as served:
        held = []

        def slow(*_):
            held.append(asyncio.Event())
            return asyncio.ensure_future(answer(held[0]))

        async def answer(event):
            await event.wait()
            return b'{"done": true}'

        monkeypatch.setattr(served.house.door.desk, "_publish", slow)
        with Peer(served) as peer, Peer(served) as idle:
            peer.send(post())
            idle.send(GET)
            idle.answer()
            until(lambda: held)
            served._server.should_exit = True
            assert idle.is_over()
            served._loop.call_soon_threadsafe(held[0].set)
            status, headers, body = peer.answer()
            assert (status, headers["connection"], body) == (202, "close", b'{"done": true}')
            assert peer.is_over()


def events(served):
    return len(served.do(served.house.get("/v1/events?event_type=gone.client"))["items"])


def until(condition):
    for _ in range(4000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("still not")
