"""Access tokens: what is asked of the token endpoint, what is kept, and what is said when it refuses."""

import asyncio
import base64
from urllib.parse import parse_qs

import msgspec
import pytest
from tests.support.certificates import Authority
from tests.support.receiver import Receiver, forever, respond, response
from tests.transport.wire_scene import LOOPBACK, PUBLIC, Directory

from reelhook.model.attempt import PrepareFailed
from reelhook.model.endpoint import BasicAuth, Endpoint, OAuth2Auth
from reelhook.model.secret import Secret
from reelhook.ports import AccessToken
from reelhook.transport.http import HttpWire
from reelhook.transport.oauth import OAuthTokens

CANARY = "canary-s3cret"


class Clock:
    def __init__(self):
        self.ms = 0

    def now(self):
        return self.ms

    wall = now


def auth(url, **fields):
    given = {"grant": "client_credentials", "client_id": "me", "client_secret": Secret(CANARY)} | fields
    return OAuth2Auth(token_url=url, **given)


def endpoint(url, version=1, number=1, **fields):
    return Endpoint(
        id=number, app_id="default", version=version, url="https://x.example/", created_at=0, updated_at=0,
        auth=auth(url, **fields),
    )  # fmt: skip


def issuing(**fields):
    """Answer with token-1, token-2, …"""
    count = 0

    def answer(_):
        nonlocal count
        count += 1
        body = {"access_token": f"token-{count}", "token_type": "Bearer", "expires_in": 3600} | fields
        return response(200, msgspec.json.encode({key: value for key, value in body.items() if value is not None}))

    return (forever(respond(answer)),)


def saying(status, body=b"", headers=None):
    return (forever(respond(lambda _: response(status, body, headers))),)


def scene_of(run, scenario, script, **options):
    async def scene():
        wire = HttpWire(exceptions=LOOPBACK)
        clock = Clock()
        async with Receiver(script) as receiver:
            tokens = OAuthTokens(wire, clock, exceptions=LOOPBACK, **options)
            result = await scenario(tokens, receiver, clock)
            await wire.close()
            return result

    return run(scene())


async def bearer(tokens, one):
    return (await tokens.bearer(one)).text


def form_of(received):
    return {name: values[0] for name, values in parse_qs(received.body.decode(), strict_parsing=True).items()}


def test_client_credentials_are_asked_for_as_the_rfc_says(run):
    async def scenario(tokens, receiver, _):
        assert await bearer(tokens, endpoint(receiver.url, client_id="me:ü", scope="a b")) == "token-1"
        received = receiver.requests[0]
        assert received.method == "POST"
        assert received.headers["content-type"] == "application/x-www-form-urlencoded"
        own = {"grant_type": "client_credentials", "scope": "a b"}
        assert form_of(received) == own | {"client_id": "me:ü", "client_secret": CANARY}
        assert "authorization" not in received.headers

    scene_of(run, scenario, issuing())


def knowing_by_basic(refusal):
    """Know the client by HTTP Basic only; refuse it in the form."""

    def answer(received):
        known = received.headers.get("authorization", "").startswith("Basic ")
        return response(200, b'{"access_token": "token-1", "expires_in": 0}') if known else refusal

    return (forever(respond(answer)),)


@pytest.mark.parametrize("refusal", [response(401), response(400, b'{"error": "invalid_client"}')], ids=["401", "400"])
def test_a_client_that_is_not_known_by_the_form_is_tried_once_by_basic_and_it_is_remembered(run, refusal):
    async def scenario(tokens, receiver, _):
        one = endpoint(receiver.url, client_id="me:ü")
        assert [await bearer(tokens, one) for _ in range(2)] == ["token-1", "token-1"]
        first, *rest = receiver.requests
        assert "client_secret" in form_of(first)
        assert len(rest) == 2
        for received in rest:
            assert form_of(received) == {"grant_type": "client_credentials"}
            scheme, credentials = received.headers["authorization"].split(" ")
            assert (scheme, base64.b64decode(credentials)) == ("Basic", b"me%3A%C3%BC:canary-s3cret")
        await bearer(tokens, endpoint(receiver.url, version=2, client_id="me:ü"))
        assert "client_secret" in form_of(receiver.requests[3])

    scene_of(run, scenario, knowing_by_basic(refusal))


@pytest.mark.parametrize(
    ("refusal", "fields", "asked"),
    [
        (response(401, b'{"error": "invalid_client"}'), {}, 2),
        (response(400, b'{"error": "invalid_grant"}'), {}, 1),
        (response(401), {"grant": "password", "username": "u", "password": Secret("p"), "client_secret": None}, 1),
        (response(503), {}, 1),
    ],
    ids=["client", "grant", "without a secret", "busy"],
)
def test_only_an_unknown_client_is_tried_otherwise_and_only_once(run, refusal, fields, asked):
    async def scenario(tokens, receiver, _):
        with pytest.raises(PrepareFailed):
            await bearer(tokens, endpoint(receiver.url, **fields))
        assert len(receiver.requests) == asked

    scene_of(run, scenario, (forever(respond(lambda _: refusal)),))


def test_a_failure_of_the_second_try_may_pass(run):
    async def scenario(tokens, receiver, _):
        with pytest.raises(PrepareFailed, match="503") as failed:
            await bearer(tokens, endpoint(receiver.url))
        assert failed.value.transient

    answers = iter([response(401), response(503)])
    scene_of(run, scenario, (forever(respond(lambda _: next(answers))),))


def test_a_password_is_asked_for_as_the_rfc_says(run):
    async def scenario(tokens, receiver, _):
        fields = {"grant": "password", "username": "u&ü", "password": Secret("p=1")}
        await bearer(tokens, endpoint(receiver.url, client_id="me", client_secret=None, **fields))
        await bearer(tokens, endpoint(receiver.url, number=2, client_id=None, client_secret=None, **fields))
        own = {"grant_type": "password", "username": "u&ü", "password": "p=1"}
        assert [form_of(received) for received in receiver.requests] == [own | {"client_id": "me"}, own]
        assert all("authorization" not in received.headers for received in receiver.requests)

    scene_of(run, scenario, issuing())


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(3600, 3540), ("3600", 3540), (120, 60), (100, 50), (10, 5), (None, 240), ("soon", 240), (10**12, 86400)],
)
def test_a_token_is_kept_until_shortly_before_it_expires(run, expires_in, seconds):
    async def scenario(tokens, receiver, clock):
        one = endpoint(receiver.url)
        assert await bearer(tokens, one) == "token-1"
        clock.ms = seconds * 1000 - 1
        assert await bearer(tokens, one) == "token-1"
        clock.ms += 2
        assert await bearer(tokens, one) == "token-2"

    scene_of(run, scenario, issuing(expires_in=expires_in))


@pytest.mark.parametrize("expires_in", [0, -5])
def test_a_token_without_a_life_is_used_once(run, expires_in):
    async def scenario(tokens, receiver, _):
        assert [await bearer(tokens, endpoint(receiver.url)) for _ in range(2)] == ["token-1", "token-2"]

    scene_of(run, scenario, issuing(expires_in=expires_in))


def test_a_kept_token_that_is_refused_is_replaced(run):
    async def scenario(tokens, receiver, _):
        one = endpoint(receiver.url)
        assert await tokens.bearer(one) == AccessToken("token-1", kept=False)
        assert await tokens.bearer(one) == AccessToken("token-1", kept=True)
        assert await tokens.renew(one, "token-1") == AccessToken("token-2", kept=False)
        assert await tokens.bearer(one) == AccessToken("token-2", kept=True)

    scene_of(run, scenario, issuing())


def test_a_receiver_that_refuses_every_token_has_one_fetched_a_minute_and_no_more(run):
    async def scenario(tokens, receiver, clock):
        one = endpoint(receiver.url)
        await tokens.bearer(one)
        renewed = []
        for second in range(180):
            clock.ms = second * 1000
            kept = await tokens.bearer(one)
            renewed.append(await tokens.renew(one, kept.text) is not None)
        assert sum(renewed) == 3
        assert len(receiver.requests) == 4
        assert await tokens.renew(endpoint(receiver.url, version=2), "token-4") is not None, "other credentials"

    scene_of(run, scenario, issuing())


def test_those_who_come_late_with_a_refused_token_get_the_one_that_was_fetched_meanwhile(run):
    async def scenario(tokens, receiver, _):
        one = endpoint(receiver.url)
        await tokens.bearer(one)
        first = await asyncio.gather(*(tokens.renew(one, "token-1") for _ in range(50)))
        late = await tokens.renew(one, "token-1")
        assert {token.text for token in (*first, late)} == {"token-2"}
        assert len(receiver.requests) == 2

    scene_of(run, scenario, issuing())


def test_a_token_server_that_gives_the_refused_token_again_has_not_renewed_it(run):
    async def scenario(tokens, receiver, _):
        one = endpoint(receiver.url)
        await tokens.bearer(one)
        assert await tokens.renew(one, "same") is None

    scene_of(run, scenario, saying(200, b'{"access_token": "same", "expires_in": 3600}'))


def test_many_attempts_fetch_one_token(run):
    async def scenario(tokens, receiver, _):
        one = endpoint(receiver.url)
        assert set(await asyncio.gather(*(bearer(tokens, one) for _ in range(50)))) == {"token-1"}
        assert len(receiver.requests) == 1

    scene_of(run, scenario, issuing())


def test_every_endpoint_and_version_has_a_token_of_its_own(run):
    async def scenario(tokens, receiver, _):
        versions = [(1, 1), (2, 1), (1, 2)]
        given = [await bearer(tokens, endpoint(receiver.url, version, number)) for number, version in versions]
        assert given == ["token-1", "token-2", "token-3"]
        assert await bearer(tokens, endpoint(receiver.url, 2, 1)) == "token-3"

    scene_of(run, scenario, issuing())


def test_one_who_gives_up_does_not_end_the_request_of_the_others(run):
    async def scenario(tokens, receiver, _):
        one = endpoint(receiver.url)
        first, second = (asyncio.create_task(bearer(tokens, one)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == "token-1"
        assert len(receiver.requests) == 1

    scene_of(run, scenario, issuing())


@pytest.mark.parametrize(
    ("status", "body", "transient", "sentence"),
    [
        (401, b'{"error": "invalid_client"}', False, "answered 401 (invalid_client)"),
        (400, b'{"error": "invalid_grant", "error_description": "bad canary-s3cret"}', False, "(invalid_grant)"),
        (400, b'{"error": "canary-s3cret"}', False, "answered 400."),
        (400, b'{"error": ["canary-s3cret"]}', False, "answered 400."),
        (400, b"canary-s3cret", False, "answered 400."),
        (503, b"", True, "answered 503."),
        (429, b"", True, "answered 429."),
        (302, b"", False, "answered 302."),
        (200, b"", False, "without an access token"),
        (200, b"<html>canary-s3cret", False, "without an access token"),
        (200, b"[]", False, "without an access token"),
        (200, b'{"access_token": 5}', False, "without an access token"),
        (200, b'{"access_token": ""}', False, "no header may carry"),
        (200, b'{"access_token": "canary-s3cret\\r\\nX-Evil: 1"}', False, "no header may carry"),
        (200, b'{"access_token": "canary s3cret"}', False, "no header may carry"),
    ],
)
def test_a_refusal_is_told_without_any_secret(run, status, body, transient, sentence):
    async def scenario(tokens, receiver, _):
        with pytest.raises(PrepareFailed) as failed:
            await bearer(tokens, endpoint(receiver.url, scope="canary-s3cret"))
        return failed.value

    failed = scene_of(run, scenario, saying(status, body))
    assert failed.transient is transient
    assert sentence in failed.detail
    assert CANARY not in failed.detail
    assert CANARY not in repr(failed)


def test_a_failure_is_not_kept(run):
    async def scenario(tokens, receiver, _):
        with pytest.raises(PrepareFailed):
            await bearer(tokens, endpoint(receiver.url))
        assert await bearer(tokens, endpoint(receiver.url)) == "token-1"

    answers = iter([response(503), response(200, b'{"access_token": "token-1"}')])
    scene_of(run, scenario, (forever(respond(lambda _: next(answers))),))


def test_a_token_endpoint_that_does_not_answer_may_pass(run):
    async def scenario(tokens, receiver, _):
        receiver.stop_listening()
        with pytest.raises(PrepareFailed, match="refused the connection") as failed:
            await bearer(tokens, endpoint(receiver.url))
        assert failed.value.transient

    scene_of(run, scenario, issuing())


def test_credentials_go_over_plain_http_only_where_the_operator_allows(run):
    async def scene():
        async with Receiver(issuing()) as receiver:
            for exceptions, lookup in [((), ["127.0.0.1"]), ((), [PUBLIC]), (LOOPBACK, [PUBLIC])]:
                wire = HttpWire(exceptions=exceptions, lookup=Directory(lookup))
                tokens = OAuthTokens(wire, Clock(), exceptions=exceptions)
                with pytest.raises(PrepareFailed, match="https") as failed:
                    await bearer(tokens, endpoint(f"http://tokens.example:{receiver.port}/"))
                assert not failed.value.transient
                await wire.close()
            assert receiver.connections == 0

    run(scene())


def test_a_token_endpoint_over_https_is_called_like_any_receiver(run, tmp_path):
    async def scene():
        authority = Authority(tmp_path)
        wire = HttpWire(exceptions=LOOPBACK, ca_file=authority.file)
        async with Receiver(issuing(), tls=authority.server()) as receiver:
            assert await bearer(OAuthTokens(wire, Clock()), endpoint(receiver.url)) == "token-1"
            blocked = HttpWire(ca_file=authority.file)
            with pytest.raises(PrepareFailed, match="blocked address"):
                await OAuthTokens(blocked, Clock()).bearer(endpoint(receiver.url))
        await wire.close()
        await blocked.close()

    run(scene())


def test_an_endpoint_without_oauth_has_no_token(run):
    async def scene():
        wire = HttpWire()
        plain = msgspec.structs.replace(endpoint("https://x.example/"), auth=BasicAuth("a", Secret("b")))
        with pytest.raises(PrepareFailed):
            await OAuthTokens(wire, Clock()).bearer(plain)
        await wire.close()

    run(scene())
