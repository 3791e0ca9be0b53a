"""Fresh links: what is asked of an app, what is kept, and what is said when it gives none."""

import asyncio
import json
import time

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook
from tests.support.receiver import Receiver, forever, hang, respond, response
from tests.transport.wire_scene import LOOPBACK

from reelhook.dialects import webhook_signature
from reelhook.dialects.signing_keys import HmacKey, HmacKeys
from reelhook.model.access import LinkRefresh
from reelhook.model.attempt import PrepareFailed
from reelhook.model.instant import show_time
from reelhook.model.secret import Secret
from reelhook.ports import FreshLinks
from reelhook.transport import links as module
from reelhook.transport.http import HttpWire
from reelhook.transport.links import LinkSource

CANARY = "canary-s3cret"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LINK, PICTURE = "https://cdn.example/v?sig=1", "https://cdn.example/t.jpg"
HOUR, MINUTE = 3_600_000, 60_000


class Clock:
    def __init__(self):
        self.ms = int(time.time()) * 1000

    def wall(self):
        return self.ms

    now = wall


def sign(secret, body, wall):
    keys = HmacKeys((HmacKey(webhook_signature.key_of_text(secret)),))
    return webhook_signature.sign(body, f"lnk_{wall}", wall // 1000, keys, wall)


def giving(clock, life=HOUR, **fields):
    """Answer with links numbered 1, 2, … that live so long."""
    count = 0

    def answer(_):
        nonlocal count
        count += 1
        links = {"url": f"{LINK}&n={count}", "thumbnail_url": PICTURE, "expires_at": show_time(clock.ms + life)}
        return response(200, msgspec.json.encode(links | fields))

    return (forever(respond(answer)),)


def saying(status, body=b"", headers=None):
    return (forever(respond(lambda _: response(status, body, headers))),)


def scene_of(run, scenario, script, exceptions=LOOPBACK, clock=None, **options):
    async def scene():
        wire = HttpWire(exceptions=exceptions)
        time_ = clock or Clock()
        async with Receiver(script) as receiver:
            source = LinkSource(wire, time_, sign, **options)

            async def refresh(asset="a1", app="default", secret=CANARY, path="/links", **ids):
                where = LinkRefresh(receiver.url + path, Secret(secret))
                return await source.refresh(app, where, asset, ids or {"wochit": "w1"})

            await scenario(refresh, receiver)
            await wire.close()

    run(scene())


def failing(run, script, words, **options):
    async def scenario(refresh, _):
        with pytest.raises(PrepareFailed, match=words) as failed:
            await refresh()
        assert failed.value.transient
        assert CANARY not in failed.value.detail
        assert "leak" not in failed.value.detail

    scene_of(run, scenario, script, **options)


@pytest.mark.parametrize("secret", [WHSEC, CANARY], ids=["whsec", "free text"])
def test_the_app_is_asked_by_a_signed_post_that_standard_webhooks_verifies(run, secret):
    clock = Clock()

    async def scenario(refresh, receiver):
        assert await refresh(secret=secret) == FreshLinks(f"{LINK}&n=1", PICTURE, clock.ms + HOUR)
        (received,) = receiver.requests
        assert (received.method, received.path) == ("POST", "/hook/links")
        assert received.headers["content-type"] == "application/json"
        verifier = Webhook(secret if secret == WHSEC else secret.encode())
        said = verifier.verify(received.body, dict(received.headers))
        assert said == {"asset_id": "a1", "ids": {"wochit": "w1"}}
        assert secret not in received.raw.decode()

    scene_of(run, scenario, giving(clock), clock=clock)


def test_an_id_that_is_a_number_is_asked_for_as_one(run):
    clock = Clock()

    async def scenario(refresh, receiver):
        await refresh(7)
        await refresh("7")
        assert [json.loads(one.body)["asset_id"] for one in receiver.requests] == [7, "7"]

    scene_of(run, scenario, giving(clock), clock=clock)


def test_however_many_wait_one_request_is_made_and_the_links_are_kept(run):
    clock = Clock()

    async def scenario(refresh, receiver):
        together = await asyncio.gather(*(refresh() for _ in range(20)))
        assert {one.url for one in [*together, await refresh()]} == {f"{LINK}&n=1"}
        assert len(receiver.requests) == 1

    scene_of(run, scenario, giving(clock), clock=clock)


def test_assets_apps_and_addresses_do_not_share_links(run):
    clock = Clock()

    async def scenario(refresh, _):
        found = [await refresh(), await refresh("a2"), await refresh(app="acme"), await refresh(path="/other")]
        assert len({one.url for one in found}) == 4

    scene_of(run, scenario, giving(clock), clock=clock)


def test_an_asset_without_an_id_is_asked_for_by_its_ids_and_shares_no_links_with_another(run):
    clock = Clock()

    async def scenario(refresh, receiver):
        found = [await refresh(None, vimeo="v1"), await refresh(None, vimeo="v2"), await refresh(None, vimeo="v1")]
        assert [one.url for one in found] == [f"{LINK}&n=1", f"{LINK}&n=2", f"{LINK}&n=1"]
        assert json.loads(receiver.requests[0].body) == {"asset_id": None, "ids": {"vimeo": "v1"}}

    scene_of(run, scenario, giving(clock), clock=clock)


def test_kept_links_are_used_until_five_minutes_before_they_die(run):
    clock = Clock()

    async def scenario(refresh, receiver):
        await refresh()
        clock.ms += HOUR - 5 * MINUTE
        assert (await refresh()).url == f"{LINK}&n=1"
        clock.ms += 1
        assert (await refresh()).url == f"{LINK}&n=2"
        assert len(receiver.requests) == 2

    scene_of(run, scenario, giving(clock), clock=clock)


@pytest.mark.parametrize(
    "fields",
    [{"expires_at": None}, {"url": None}, {"thumbnail_url": None}, {}],
    ids=["no expiry", "no url", "no thumbnail", "short life"],
)
def test_links_that_are_incomplete_or_die_soon_serve_one_attempt(run, fields):
    clock = Clock()

    async def scenario(refresh, receiver):
        await refresh()
        await refresh()
        assert len(receiver.requests) == 2

    scene_of(run, scenario, giving(clock, 4 * MINUTE if not fields else HOUR, **fields), clock=clock)


def test_of_too_many_kept_links_the_oldest_go(run, monkeypatch):
    monkeypatch.setattr(module, "_MOST_KEPT", 2)
    clock = Clock()

    async def scenario(refresh, receiver):
        for asset in ("a1", "a2", "a3", "a3", "a2", "a1"):
            await refresh(asset)
        assert [json.loads(one.body)["asset_id"] for one in receiver.requests] == ["a1", "a2", "a3", "a1"]

    scene_of(run, scenario, giving(clock), clock=clock)


@pytest.mark.parametrize("status", [204, 301, 307, 400, 401, 404, 410, 429, 500, 503])
def test_an_answer_that_is_no_success_with_links_fails_the_attempt(run, status):
    words = "is not the JSON" if status == 204 else f"it answered {status}"
    script = saying(status, b"" if status == 204 else b"leak", {"Location": "http://127.0.0.1/leak"})
    failing(run, script, words)


@pytest.mark.parametrize(
    "body", [b"", b"leak", b"[]", b'{"url": 5}', b'{"url": "\xff"}', b"[" * 60_000, b" " * 100_000]
)
def test_an_answer_of_another_form_fails_the_attempt(run, body):
    failing(run, saying(200, body), "is not the JSON")


@pytest.mark.parametrize(
    "url", ["ftp://leak.example/", "/leak", "", "https://leak example/", "https://a\n", "x" * 9000]
)
def test_what_is_no_link_fails_the_attempt(run, url):
    failing(run, saying(200, msgspec.json.encode({"url": url})), "no http or https link")


@pytest.mark.parametrize("expires_at", ["soon", "2026-11-21", "2026-11-21T06:30:00"])
def test_an_expiry_that_is_no_time_fails_the_attempt(run, expires_at):
    failing(run, saying(200, msgspec.json.encode({"url": LINK, "expires_at": expires_at})), "not an RFC 3339 time")


def test_a_link_that_has_expired_already_fails_the_attempt(run):
    clock = Clock()
    failing(run, giving(clock, 0), "has expired already", clock=clock)


def test_nothing_private_is_asked(run):
    failing(run, saying(200), "blocked address", exceptions=())


def test_an_app_that_does_not_answer_in_time_fails_the_attempt(run):
    failing(run, (hang,), "no answer", timeout=0.2)


def test_a_failure_is_not_kept(run):
    async def scenario(refresh, receiver):
        with pytest.raises(PrepareFailed):
            await refresh()
        assert (await refresh()).url == LINK

    answers = iter([response(503), response(200, msgspec.json.encode({"url": LINK}))])
    scene_of(run, scenario, (forever(respond(lambda _: next(answers))),))


def test_all_who_wait_hear_of_a_failure_and_who_gives_up_stops_nobody(run):
    clock = Clock()

    async def scenario(refresh, receiver):
        impatient = asyncio.create_task(refresh())
        patient = asyncio.create_task(refresh())
        await asyncio.sleep(0)
        impatient.cancel()
        assert (await patient).url == f"{LINK}&n=1"
        assert len(receiver.requests) == 1

    scene_of(run, scenario, giving(clock), clock=clock)


def test_an_address_that_cannot_be_called_fails_the_attempt(run):
    async def scenario(refresh, _):
        with pytest.raises(PrepareFailed, match="cannot be called"):
            await refresh(path="/a b")

    scene_of(run, scenario, saying(200))
