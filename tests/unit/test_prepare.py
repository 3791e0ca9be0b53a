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
from reelhook.pipeline.sending import Exchange, Sending

OAUTH = OAuth2Auth("client_credentials", "https://id.example.com/token", client_id="me", client_secret=Secret("s"))


class World:
    """Credentials and a wire that answer from lists."""

    def __init__(self, *answers: Response | Exception, fails: Exception | None = None) -> None:
        self.answers = list(answers)
        self.fails = fails
        self.asked: list[bool] = []
        self.requests: list[Request] = []

    async def bearer(self, endpoint: Endpoint, *, fresh: bool = False) -> str:
        self.asked.append(fresh)
        if self.fails is not None:
            raise self.fails
        return f"token-{len(self.asked)}"

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


def test_a_refused_token_is_fetched_anew_and_tried_once_more_within_the_attempt() -> None:
    world = World(Response(401), Response(200))
    assert world.attempt(auth=OAUTH).verdict.succeeded
    assert world.asked == [False, True]
    assert b"token-2" in world.requests[1].head


def test_a_token_that_is_refused_twice_is_a_failure() -> None:
    world = World(Response(401), Response(401))
    assert world.attempt(auth=OAUTH).verdict.failure is Failure.STATUS
    assert len(world.requests) == 2


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
