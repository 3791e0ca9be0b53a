"""The dialect `vimeo` in the native API: its quota, its names for endpoints, what it remembers of a disabling."""

import asyncio

import pytest
from tests.api.house import URL

from reelhook.model.endpoint import DisabledReason, EndpointState
from reelhook.model.http import Response
from reelhook.model.ids import read
from reelhook.model.instant import read_time
from reelhook.model.shard import shard_of, shard_of_name

VIMEO = {"dialect": "vimeo", "events": ["video-created"]}
LIMIT, REMAINING, RESET = (f"X-Webhook-RateLimit-{name}" for name in ("Limit", "Remaining", "Reset"))


def stored(house, endpoint):
    """Return an endpoint as the engine knows it."""
    return house.engine.directory.endpoint(read("ep", endpoint["id"]))


def told(head):
    """Return the quota headers of a request's head."""
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
    return lines[LIMIT], lines[REMAINING], lines[RESET]


async def until(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")


@pytest.mark.parametrize(
    ("limits", "pointer"),
    [
        ({"vimeo_quota": 0}, "/limits/vimeo_quota"),
        ({"vimeo_quota": -5}, "/limits/vimeo_quota"),
        ({"vimeo_quota": 2.5}, "/limits/vimeo_quota"),
        ({"vimeo_quota": "25"}, "/limits/vimeo_quota"),
        ({"vimeo_quota": True}, "/limits/vimeo_quota"),
        ({"vimeo_quota": 1_000_001}, "/limits/vimeo_quota"),
    ],
)
def test_a_quota_of_an_apps_own_is_a_whole_number_of_one_or_more(tell, limits, pointer):
    async def story(house):
        return await house.ask("POST", "/v1/apps", {"id": "films", "limits": limits})

    assert tell(story).pointers() == [pointer]


@pytest.mark.parametrize("account_type", ["Free", "gold", "", 7, None])
def test_an_account_type_is_one_of_vimeos(tell, account_type):
    async def story(house):
        made = await house.ask("POST", "/v1/apps", {"id": "films", "vimeo": {"account_type": account_type}})
        changed = await house.ask("PATCH", "/v1/apps/default", {"vimeo": {"account_type": account_type or "gold"}})
        return made, changed

    made, changed = tell(story)
    assert made.pointers() == changed.pointers() == ["/vimeo/account_type"]


def test_a_quota_and_an_account_type_can_be_set_changed_and_taken_away(tell):
    async def story(house):
        made = await house.post("/v1/apps", {"id": "films", "limits": {"vimeo_quota": 7, "strict_types": True}})
        changed = await house.patch("/v1/apps/films", {"vimeo": {"account_type": "free"}, "limits": {"endpoints": 3}})
        cleared = await house.patch("/v1/apps/films", {"limits": {"vimeo_quota": None}})
        return made, changed, cleared

    made, changed, cleared = tell(story)
    assert made["limits"] == {"vimeo_quota": 7, "strict_types": True}
    assert changed["limits"] == {"endpoints": 3, "vimeo_quota": 7, "strict_types": True}
    assert changed["vimeo"]["account_type"] == "free"
    assert cleared["limits"] == {"endpoints": 3, "strict_types": True}


def test_an_endpoint_is_known_to_vimeos_api_by_its_number_as_long_as_it_speaks_vimeo(tell):
    async def story(house):
        made = await house.endpoint(**VIMEO)
        names = [stored(house, made).compat_id]
        for patch in ({"name": "renamed"}, {"dialect": "standard", "events": []}, VIMEO):
            await house.patch(f"/v1/endpoints/{made['id']}", patch | {"secret": None})
            names.append(stored(house, made).compat_id)
        return made, names

    made, names = tell(story)
    number = str(read("ep", made["id"]))
    assert names == [number, number, None, number]


def test_an_endpoint_of_vimeo_has_one_event_of_vimeos(tell):
    async def story(house):
        return [
            await house.ask("POST", "/v1/endpoints", {"url": URL, "dialect": "vimeo", "events": events})
            for events in ([], ["video-created", "video-deleted"], ["asset.created"])
        ]

    assert [answer.pointers() for answer in tell(story)] == [["/events"], ["/events"], ["/events/0"]]


def test_turns_of_its_state_are_remembered(tell):
    async def story(house):
        made = await house.endpoint(**VIMEO)
        seen = [stored(house, made)]
        for state in ("paused", "active", "disabled", "active"):
            await asyncio.sleep(0.002)
            await house.patch(f"/v1/endpoints/{made['id']}", {"state": state})
            seen.append(stored(house, made))
        return seen

    made, paused, resumed, disabled, enabled = tell(story)
    assert (made.enabled_at, made.disabled_at) == (made.created_at, None)
    assert (paused.enabled_at, paused.disabled_at) == (made.enabled_at, None)
    assert resumed.enabled_at > made.enabled_at
    assert (disabled.enabled_at, disabled.disabled_at) == (resumed.enabled_at, disabled.updated_at)
    assert enabled.enabled_at > disabled.disabled_at == enabled.disabled_at
    assert enabled.disabling is None


def test_an_endpoint_that_fails_too_often_is_disabled_with_the_figures_and_they_outlive_a_restart(tell, tmp_path):
    async def story(house):
        made = await house.endpoint(**VIMEO)
        house.wire.answers = [Response(500 if number % 2 else 200) for number in range(20)]
        for _ in range(20):
            await house.publish()
        await until(lambda: stored(house, made).state is EndpointState.DISABLED)
        log = (await house.get("/v1/logs?limit=50"))["items"]
        audit = (await house.get("/v1/audit?limit=1"))["items"][0]
        await house.patch(f"/v1/endpoints/{made['id']}", {"state": "active"})
        enabled = stored(house, made)
        await house.store.commit.drained()
        return log, audit, enabled, next(iter(house.store.endpoints.all()))

    log, audit, enabled, kept = tell(story)
    figures = enabled.disabling
    assert figures.failure_rate_before_disabling == 0.5
    assert (figures.requests_executed_before_disabling, figures.requests_failed_before_disabling) == (20, 10)
    assert figures.time_period_failure_rate == 3600
    assert abs(figures.last_request_time_before_disabling - enabled.disabled_at) < 60_000
    assert len(log) == 20
    assert audit["change"]["disabled_reason"] == DisabledReason.FAILURE_RATE
    assert audit["change"]["requests_failed_before_disabling"] == 10
    assert kept == enabled


def test_a_preview_shows_how_the_quota_would_stand_and_counts_nothing(tell):
    async def story(house):
        event = {"type": "asset.created", "data": {"asset": {"id": "a"}}}
        asked = {"url": URL, **VIMEO, "event": event}
        first = await house.post("/v1/endpoints/preview", asked, 200)
        second = await house.post("/v1/endpoints/preview", asked, 200)
        return first, second

    for preview in tell(story):
        assert preview["headers"][LIMIT] == "2500"
        assert preview["headers"][REMAINING] == "2499"


def test_a_test_counts_and_waits_for_nothing(tell):
    async def story(house):
        await house.patch("/v1/apps/default", {"limits": {"vimeo_quota": 2}})
        made = await house.endpoint(**VIMEO)
        tests = [await house.post(f"/v1/endpoints/{made['id']}/test", status=200) for _ in range(3)]
        await house.publish()
        held = (await house.get("/v1/deliveries"))["items"]
        await house.patch("/v1/apps/default", {"limits": {"vimeo_quota": 50}})
        await house.delivery()
        return tests, held, [told(request.head) for request in house.wire.sent]

    tests, held, quotas = tell(story)
    assert [test["ok"] for test in tests] == [True] * 3
    assert [one["state"] for one in held] == ["pending"]
    assert [(limit, remaining) for limit, remaining, _ in quotas] == [("2", "1"), ("2", "0"), ("2", "0"), ("50", "46")]
    # Each is worked out from two clocks, which may part by a millisecond; another window would be a minute away.
    resets = [read_time(reset) for _, _, reset in quotas]
    assert max(resets) - min(resets) < 30_000


def test_a_secret_in_the_body_reaches_the_receiver_and_nobody_else(tell):
    async def story(house):
        secret = "nobody-else-may-see-it"
        made = await house.endpoint(**VIMEO, secret=secret, options={"secret_in_body": True})
        event = {"type": "asset.created", "data": {"asset": {"id": "a"}}}
        preview = await house.post("/v1/endpoints/preview", {"endpoint_id": made["id"], "event": event}, 200)
        await house.post(f"/v1/endpoints/{made['id']}/test", status=200)
        await house.publish()
        await house.delivery()
        logs = [await house.get(f"/v1/logs/{one['id']}") for one in (await house.get("/v1/logs"))["items"]]
        return secret, house.wire.sent, [preview, *logs]

    secret, sent, shown = tell(story)
    assert len(sent) == 2
    assert all(secret.encode() in request.body for request in sent)
    assert len(shown) == 3
    assert not any(secret in str(one) for one in shown)


def test_endpoints_that_share_a_quota_lie_in_one_shard_so_that_one_node_counts_for_all(tell):
    async def story(house):
        async def make(**more):
            made = await house.ask("POST", "/v1/endpoints", {"url": URL, "events": ["video-created"], **more})
            return shard_of(read("ep", made.ok(201)["id"]))

        return {await make(dialect="vimeo") for _ in range(5)}, {await make(events=["*"]) for _ in range(20)}

    together, apart = tell(story)
    assert together == {shard_of_name("default")}
    assert len(apart) > 1
