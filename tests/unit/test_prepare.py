"""What an attempt fetches before it can be made, and what becomes of an attempt that cannot be."""

import asyncio
from typing import Any

import pytest
from tests.conformance.world import HandClock
from tests.unit.samples import an_endpoint, an_event

from reelhook.dialects.standard import STANDARD
from reelhook.model.attempt import Failure, PrepareFailed
from reelhook.model.endpoint import BearerAuth, Endpoint, MutualTlsAuth, OAuth2Auth
from reelhook.model.http import Request, Response
from reelhook.model.secret import Secret
from reelhook.pipeline.directory import Route
from reelhook.pipeline.match import compile_filter
from reelhook.pipeline.prepare import Preparing, identity
from reelhook.pipeline.sending import Sending
from reelhook.pipeline.values import Exchange
from reelhook.ports import AccessToken

OAUTH = OAuth2Auth("client_credentials", "https://id.example.com/token", client_id="me", client_secret=Secret("s"))


RENEWED = AccessToken("token-2", kept=False)


class World:
    """Credentials and a wire that answer from lists; the token is from an earlier attempt unless it is `fetched`."""

    def __init__(
        self,
        *answers: Response | Exception,
        fails: Exception | None = None,
        fetched: bool = False,
        renewal: AccessToken | Exception | None = RENEWED,
    ) -> None:
        self.answers = list(answers)
        self.fails = fails
        self.fetched = fetched
        self.renewal = renewal
        self.asked = 0
        self.refused: list[str] = []
        self.requests: list[Request] = []

    async def bearer(self, endpoint: Endpoint) -> AccessToken:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        return AccessToken("token-1", kept=not self.fetched)

    async def renew(self, endpoint: Endpoint, refused: str) -> AccessToken | None:
        self.refused.append(refused)
        if isinstance(self.renewal, Exception):
            raise self.renewal
        return self.renewal

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def attempt(self, **endpoint: Any) -> Exchange:
        one = an_endpoint(**endpoint)
        route = Route(one, STANDARD, compile_filter(one, STANDARD, lambda name: name))
        return asyncio.run(Sending(Preparing(self), self, HandClock()).attempt(route, an_event()))


def test_an_endpoint_without_oauth_asks_for_nothing() -> None:
    world = World(Response(200))
    assert world.attempt(auth=BearerAuth(Secret("static"))).verdict.succeeded
    assert not world.asked
    assert b"Authorization: Bearer static\r\n" in world.requests[0].head


def test_an_access_token_is_fetched_sent_and_masked_in_the_log() -> None:
    world = World(Response(200))
    exchange = world.attempt(auth=OAUTH)
    assert b"Authorization: Bearer token-1\r\n" in world.requests[0].head
    assert b"token-1" not in exchange.head
    assert b"Authorization: ***\r\n" in exchange.head


def test_a_kept_token_that_is_refused_is_replaced_and_tried_once_more_within_the_attempt() -> None:
    world = World(Response(401), Response(200))
    exchange = world.attempt(auth=OAUTH)
    assert exchange.verdict.succeeded
    assert exchange.renewed, "the record says that there was a request before this one"
    assert world.refused == ["token-1"]
    assert b"token-2" in world.requests[1].head


def test_a_new_token_that_is_refused_too_is_a_failure_that_says_so() -> None:
    world = World(Response(401), Response(401))
    exchange = world.attempt(auth=OAUTH)
    assert (exchange.verdict.failure, exchange.renewed) == (Failure.STATUS, True)
    assert "401" in (exchange.verdict.error or "")
    assert "this is a new one" in (exchange.verdict.error or "")
    assert len(world.requests) == 2


def test_a_receiver_that_refuses_a_token_just_fetched_is_sent_nothing_more_in_the_attempt() -> None:
    world = World(Response(401), fetched=True)
    exchange = world.attempt(auth=OAUTH)
    assert (exchange.response.status, exchange.renewed, world.refused) == (401, False, [])
    assert len(world.requests) == 1


def test_a_receiver_that_refuses_every_token_costs_one_request_an_attempt_while_none_may_be_renewed() -> None:
    world = World(Response(401), renewal=None)
    exchange = world.attempt(auth=OAUTH)
    assert (exchange.response.status, exchange.renewed, len(world.requests)) == (401, False, 1)


def test_a_refusal_is_recorded_as_what_it_was_when_no_other_token_can_be_had() -> None:
    world = World(Response(401), renewal=PrepareFailed("The token endpoint answered 503.", transient=True))
    exchange = world.attempt(auth=OAUTH)
    assert (exchange.response.status, exchange.verdict.failure) == (401, Failure.STATUS)
    assert "The token endpoint answered 503." in (exchange.verdict.error or "")
    assert exchange.head, "the request that was sent is in the log"


def test_a_401_of_an_endpoint_with_other_credentials_is_not_repeated() -> None:
    world = World(Response(401))
    world.attempt()
    assert len(world.requests) == 1


@pytest.mark.parametrize("transient", [True, False])
def test_what_cannot_be_fetched_fails_the_attempt_and_nothing_is_sent(transient: bool) -> None:
    world = World(fails=PrepareFailed("the token server answered 500", transient=transient))
    exchange = world.attempt(auth=OAUTH)
    assert not world.requests
    assert not exchange.response.sent
    verdict = exchange.verdict
    assert (verdict.failure, verdict.transient) == (Failure.PREPARE, transient)
    assert verdict.error == "the token server answered 500"


def test_an_event_that_cannot_be_shaped_fails_the_attempt_and_nothing_is_sent() -> None:
    world = World()
    exchange = world.attempt(headers={"x-bad": "a\r\nb: c"})
    assert not world.requests
    assert exchange.verdict.failure is Failure.PREPARE


def test_a_fault_of_ours_fails_the_attempt_so_that_it_is_made_again_and_hides_its_details() -> None:
    world = World(RuntimeError("secret inside"))
    verdict = world.attempt().verdict
    assert (verdict.succeeded, verdict.failure, verdict.transient) == (False, Failure.PREPARE, True)
    assert "secret" not in (verdict.error or "")


def test_each_version_of_an_endpoint_with_a_client_certificate_has_connections_of_its_own() -> None:
    auth = MutualTlsAuth("CERTIFICATE", Secret("KEY"))
    first, second = (identity(an_endpoint(version=version, auth=auth)) for version in (1, 2))
    assert first is not None
    assert second is not None
    assert first.key != second.key
    assert (first.certificate, first.private_key.reveal()) == ("CERTIFICATE", "KEY")
    assert identity(an_endpoint()) is None


def test_the_timeout_is_the_endpoints_else_the_dialects() -> None:
    world = World(Response(200), Response(200))
    world.attempt()
    world.attempt(timeout=3.5)
    assert [request.timeout for request in world.requests] == [15, 3.5]
