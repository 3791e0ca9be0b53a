"""`Idempotency-Key` on every POST that makes something: the answer is committed with what it tells of."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.house import URL, House

from reelhook.api.app import ROUTES
from reelhook.errors import Conflict, StorageFull

SINCE = "2020-01-01T00:00:00Z"
BODIES: dict[str, dict[str, Any]] = {
    "/v1/apps": {"id": "acme"},
    "/v1/events/{id}/replay": {},
    "/v1/endpoints": {"url": URL},
    "/v1/endpoints/{id}/secret/rotate": {},
    "/v1/endpoints/{id}/recover": {"since": SINCE},
    "/v1/endpoints/{id}/replay": {"since": SINCE},
    "/v1/event-types": {"name": "acme.thing"},
    "/v1/tokens": {"name": "ci", "role": "member"},
}
ONCE = [route.path for route in ROUTES if route.once]


@pytest.mark.parametrize("path", ONCE)
def test_no_second_commit_is_needed_to_answer_a_repeated_create_as_the_first_time(
    tell: Callable[..., Any], path: str
) -> None:
    async def story(house: House) -> None:
        endpoint, event = await house.endpoint(), await house.publish()
        await house.delivery()
        target = path.replace("{id}", event["id"] if "/events/" in path else endpoint["id"])

        async def refuse(*_: Any) -> None:
            raise StorageFull("a kill at this place would have lost it")

        house.store.answers.keep = refuse
        key = {"idempotency-key": "once"}
        first = await house.ask("POST", target, BODIES[path], key)
        assert first.status in {200, 201, 202}, first.body
        again = await house.ask("POST", target, BODIES[path], key)
        assert (again.status, again.body) == (first.status, first.body)
        assert again.headers.get("etag") == first.headers.get("etag")
        (await house.ask("POST", target, {**BODIES[path], "x": 1}, key)).problem(422)

    tell(story)


def test_a_dry_run_changes_nothing_and_its_answer_is_kept_all_the_same(tell: Callable[..., Any]) -> None:
    async def story(house: House) -> None:
        endpoint = await house.endpoint()
        path, body = f"/v1/endpoints/{endpoint['id']}/replay", {"since": SINCE, "dry_run": True}
        key = {"idempotency-key": "count"}
        first = await house.ask("POST", path, body, key)
        await house.publish()
        await house.delivery()
        assert (await house.ask("POST", path, body, key)).body == first.body

    tell(story)


def test_a_process_that_comes_second_with_a_key_gives_the_answer_of_the_first(tell: Callable[..., Any]) -> None:
    async def story(house: House) -> None:
        key = {"idempotency-key": "two-processes"}
        first = await house.ask("POST", "/v1/endpoints", {"url": URL}, key)
        assert first.status == 201
        recall = house.store.answers.recall
        unseen = [True]

        async def late(*name: Any) -> Any:
            return None if unseen and unseen.pop() else await recall(*name)

        house.store.answers.recall = late
        second = await house.ask("POST", "/v1/endpoints", {"url": URL}, key)
        assert (second.status, second.body) == (first.status, first.body)
        assert len((await house.get("/v1/endpoints"))["items"]) == 1

    tell(story)


def test_if_match_holds_although_the_endpoint_changes_between_its_reading_and_its_removal(
    tell: Callable[..., Any],
) -> None:
    async def story(house: House) -> None:
        endpoint = await house.endpoint()
        remove = house.store.endpoints.remove

        async def after_a_change(*arguments: Any) -> None:
            await house.patch(f"/v1/endpoints/{endpoint['id']}", {"name": "changed"})
            await remove(*arguments)

        house.store.endpoints.remove = after_a_change
        path = f"/v1/endpoints/{endpoint['id']}"
        (await house.ask("DELETE", path, headers={"if-match": '"1"'})).problem(412, "precondition-failed")
        assert (await house.get(path))["name"] == "changed"
        assert (await house.ask("DELETE", path, headers={"if-match": "*"})).status == 204

    tell(story)


def test_if_match_holds_although_the_endpoint_changes_while_its_secret_is_replaced(tell: Callable[..., Any]) -> None:
    async def story(house: House) -> None:
        endpoint = await house.endpoint()
        path = f"/v1/endpoints/{endpoint['id']}/secret/rotate"

        async def lose(*_: Any) -> None:
            raise Conflict("somebody was first")

        house.store.endpoints.change = lose
        (await house.ask("POST", path, headers={"if-match": '"1"'})).problem(412, "precondition-failed")
        (await house.ask("POST", path)).problem(409)

    tell(story)
