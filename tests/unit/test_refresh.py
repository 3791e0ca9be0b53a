"""What an attempt learns of an asset before it is made: fresh links, and the first context."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from tests.conformance.world import START, HandClock
from tests.unit.samples import an_endpoint, an_event

from reelhook.dialects.table import dialect_named
from reelhook.model.access import LinkRefresh
from reelhook.model.attempt import Failure, PrepareFailed
from reelhook.model.delivery import Trigger
from reelhook.model.endpoint import OAuth2Auth
from reelhook.model.event import Event
from reelhook.model.http import Request, Response
from reelhook.model.ids import IdSource
from reelhook.model.instant import show_time
from reelhook.model.secret import Secret
from reelhook.pipeline.directory import Route
from reelhook.pipeline.match import compile_filter
from reelhook.pipeline.prepare import Preparing
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.refresh import Refreshing
from reelhook.pipeline.sending import Sending
from reelhook.pipeline.values import Exchange
from reelhook.ports import AccessToken, Claimed, FreshLinks

OLD, NEW = "https://cdn.example/old", "https://cdn.example/new"
FRESH = FreshLinks(NEW, None, START + 3_600_000)
WHERE = LinkRefresh("https://app.example/links", Secret("s"))
EXPIRED = {"asset": {"id": "a1", "url": OLD, "url_expires_at": show_time(START - 1)}}
LIVING = {"asset": {"id": "a1", "url": OLD, "url_expires_at": show_time(START + 3_600_000)}}
STANDARD, WOCHIT, VIMEO = (dialect_named(name) for name in ("standard", "wochit", "vimeo"))


class World:
    """The app that gives links, the memory of contexts, the token server and the receiver at once."""

    def __init__(self, gives: FreshLinks | PrepareFailed = FRESH, contexts: Mapping[str, str] | None = None) -> None:
        self.gives = gives
        self.contexts = contexts or {}
        self.asked: list[tuple[str, LinkRefresh, str | int]] = []
        self.recalled = 0
        self.sent: list[bytes] = []
        self.wanted = {"default": WHERE}
        self.clock = HandClock()
        self.answers = [200]
        self.slow = False

    async def refresh(self, app_id: str, where: LinkRefresh, asset_id: str | int, ids: Mapping[str, Any]) -> FreshLinks:
        self.asked.append((app_id, where, asset_id))
        if isinstance(self.gives, PrepareFailed):
            raise self.gives
        return self.gives

    def recall(self, app_id: str, asset_ids: Any) -> Any:
        self.recalled += 1
        found = next((self.contexts[one] for one in asset_ids if one in self.contexts), None)
        return asyncio.sleep(0, found) if self.slow else found

    async def bearer(self, endpoint: Any) -> AccessToken:
        return AccessToken("token-1", kept=True)

    async def renew(self, endpoint: Any, refused: str) -> AccessToken:
        return AccessToken("token-2", kept=False)

    async def send(self, request: Request) -> Response:
        self.sent.append(request.body)
        return Response(self.answers.pop(0))

    def sending(self) -> Sending:
        preparing = Preparing(self, self, Refreshing(self, self.wanted, self.clock))
        return Sending(preparing, self, self.clock)

    def attempt(self, event: Event, dialect: Any = STANDARD, *, example: bool = False, **endpoint: Any) -> Exchange:
        one = an_endpoint(dialect=dialect.name, **endpoint)
        route = Route(one, dialect, compile_filter(one, dialect, lambda name: name))
        return asyncio.run(self.sending().attempt(route, event, example=example))


def about(data: Any, event_type: str = "asset.processed", **more: Any) -> Event:
    return an_event(msgspec.json.encode(data), event_type, **more)


def test_a_link_that_dies_is_replaced_before_the_body_is_made() -> None:
    world = World()
    assert world.attempt(about(EXPIRED)).verdict.succeeded
    (body,) = world.sent
    assert json.loads(body)["data"]["asset"]["url"] == NEW
    assert world.asked == [("default", WHERE, "a1")]


def test_the_log_keeps_the_body_with_the_fresh_link_whole() -> None:
    world = World()
    event = about(EXPIRED)
    claimed = Claimed(1, 1, 1, event, 1, 0, Trigger.SCHEDULE)
    exchange = world.attempt(event)
    record = Recorder(world.clock, IdSource(), lambda: 0.0).attempt(
        an_endpoint(), event, exchange, Trigger.SCHEDULE, claimed
    )
    assert (record.frame, record.body) == (None, world.sent[0])
    assert record.event is event


def test_who_has_links_that_live_is_asked_for_nothing_and_the_log_keeps_the_frame() -> None:
    world = World()
    exchange = world.attempt(about(LIVING))
    assert world.asked == []
    assert exchange.shaped is not None
    assert exchange.shaped.body.frame is not None


def test_an_app_without_link_refresh_sends_links_as_they_were_posted() -> None:
    world = World()
    world.wanted = {"other": WHERE}
    world.attempt(about(EXPIRED))
    assert (world.asked, json.loads(world.sent[0])["data"]) == ([], EXPIRED)


def test_the_dialect_says_how_long_a_link_lives_that_does_not_say_so_itself() -> None:
    bare = {"asset": {"id": "a1", "url": OLD}}
    for dialect, age, asked in ((WOCHIT, 86_400_000, True), (WOCHIT, 80_000_000, False), (STANDARD, 10**9, False)):
        world = World()
        world.attempt(about(bare, occurred_at=START - age), dialect, secret=None)
        assert bool(world.asked) is asked


def test_a_link_that_cannot_be_refreshed_fails_the_attempt_and_nothing_is_sent() -> None:
    world = World(PrepareFailed("no fresh link", transient=True))
    exchange = world.attempt(about(EXPIRED))
    assert world.sent == []
    assert (exchange.verdict.failure, exchange.verdict.transient) == (Failure.PREPARE, True)
    assert exchange.verdict.error == "no fresh link"


def test_every_dialect_gets_fresh_links() -> None:
    world = World()
    world.attempt(about(EXPIRED), WOCHIT, secret=None)
    assert json.loads(world.sent[0])["videoUrl"] == NEW


def test_nobody_is_asked_for_links_that_a_body_does_not_carry() -> None:
    world = World(PrepareFailed("no fresh link", transient=True))
    assert world.attempt(about(EXPIRED), VIMEO, events=(), secret=None).verdict.succeeded
    assert world.asked == []


def test_an_example_is_sent_with_the_links_that_it_has() -> None:
    world = World()
    world.attempt(about(EXPIRED), example=True)
    assert (world.asked, json.loads(world.sent[0])["data"]) == ([], EXPIRED)


def test_a_request_that_is_repeated_with_another_token_has_the_fresh_link_too() -> None:
    world = World()
    world.answers = [401, 200]
    auth = OAuth2Auth("client_credentials", "https://id.example/", client_id="me", client_secret=Secret("s"))
    exchange = world.attempt(about(EXPIRED), auth=auth)
    assert [json.loads(body)["data"]["asset"]["url"] for body in world.sent] == [NEW, NEW]
    assert exchange.shaped is not None
    assert exchange.shaped.body.frame is None
    assert len(world.asked) == 1


@pytest.mark.parametrize("slow", [False, True], ids=["known at once", "looked up"])
def test_a_body_says_the_first_context_whatever_the_event_says(slow: bool) -> None:
    world = World(contexts={"a1": "first"})
    world.slow = slow
    world.attempt(about({"asset": {"id": "a1", "context": "second"}}), WOCHIT, secret=None)
    assert json.loads(world.sent[0])["videoContext"] == "first"


@pytest.mark.parametrize("dialect", [STANDARD, VIMEO], ids=["standard", "vimeo"])
def test_nobody_recalls_a_context_for_a_dialect_that_says_none(dialect: Any) -> None:
    world = World(contexts={"a1": "first"})
    world.attempt(about({"asset": {"id": "a1"}}, "asset.updated"), dialect, events=(), secret=None)
    assert world.recalled == 0


def test_an_event_about_no_asset_has_no_first_context() -> None:
    world = World(contexts={"a1": "first"})
    world.attempt(about({}, "asset.deleted"), WOCHIT, secret=None)
    assert (world.recalled, world.sent) == (0, [b'{"type":"video.delete"}'])
