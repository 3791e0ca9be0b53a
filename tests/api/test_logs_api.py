"""Log, deliveries and tasks over HTTP."""

import asyncio
import csv
import io
from urllib.parse import quote

import pytest
from tests.api.house import URL

from reelhook.api.csv_export import plain
from reelhook.model.http import Response

HEADER = "Application ID,Date & Time,Event Triggered,Endpoint,Retry Attempts,Notification Status,Status Code,Error"


def test_an_attempt_is_listed_and_told_in_full(tell):
    async def story(house):
        endpoint = await house.endpoint(name="Studio", headers={"X-Api-Key": "canary", "X-Plain": "seen"})
        house.wire.answers = [Response(200, b"Content-Type: text/plain\r\nX-Two: a\r\nX-Two: b\r\n", b"thanks \xff")]
        event = await house.publish()
        delivery = await house.delivery()
        listed = await house.get(f"/v1/logs?event_id={event['id']}&endpoint_id={endpoint['id']}&status=succeeded")
        detail = await house.get(f"/v1/logs/{listed['items'][0]['id']}")
        attempts = await house.get(f"/v1/deliveries/{delivery['id']}/attempts")
        return endpoint, event, delivery, listed["items"], detail, attempts["items"]

    endpoint, event, delivery, [item], detail, attempts = tell(story)
    assert attempts == [item]
    assert (item["endpoint_id"], item["endpoint_name"], item["url"]) == (endpoint["id"], "Studio", URL)
    assert (item["event_id"], item["event_type"], item["event_name"]) == (event["id"], "asset.created", "asset.created")
    assert (item["attempt"], item["status"], item["status_code"], item["trigger"]) == (1, "succeeded", 200, "schedule")
    assert (item["error"], item["error_class"], item["delivery_id"]) == (None, None, delivery["id"])
    assert item.items() <= detail.items()
    assert (detail["request"]["method"], detail["request"]["headers"]["X-Plain"]) == ("POST", "seen")
    assert detail["request"]["headers"]["X-Api-Key"] == "***"
    assert '"type":"asset.created"' in detail["request"]["body"]
    assert detail["response"] == {
        "status_code": 200,
        "headers": {"Content-Type": "text/plain", "X-Two": "a, b"},
        "body": "thanks �",
        "truncated": False,
    }
    assert detail["timing"].keys() == {"dns", "connect", "tls", "first_byte", "total"}
    assert delivery["state"] == "delivered"
    assert delivery["next_attempt_at"] is None


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=many",
        "cursor=nonsense",
        "since=yesterday",
        "status=lost",
        "status_code=7",
        "endpoint_id=evt_1",
        "colour=red",
    ],
)
@pytest.mark.parametrize("noun", ["logs", "deliveries"])
def test_a_filter_that_makes_no_sense_is_refused(tell, noun, query):
    async def story(house):
        return await house.ask("GET", f"/v1/{noun}?{query}")

    assert tell(story).pointers() == [f"/{query.partition('=')[0]}"]


def test_lists_go_on_where_the_page_before_ended(tell):
    async def story(house):
        made = [(await house.endpoint(name=str(number)))["name"] for number in range(7)]
        seen, cursor = [], None
        while True:
            page = await house.get("/v1/endpoints?limit=3" + (f"&cursor={quote(cursor)}" if cursor else ""))
            seen += [item["name"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                return made, seen

    made, seen = tell(story)
    assert seen == made[::-1]


def test_a_failed_delivery_is_resent_and_a_waiting_one_cancelled(tell):
    async def story(house):
        await house.endpoint(retry={"kind": "fixed", "retries": 0, "delay": 0})
        house.wire.answers = [Response(500)]
        await house.publish()
        failed = await house.delivery("failed")
        resent = await house.post(f"/v1/deliveries/{failed['id']}/resend", None, 202)
        done = await house.delivery("delivered")
        again = await house.ask("POST", f"/v1/deliveries/{failed['id']}/cancel")
        await house.endpoint(state="paused", events=["live.started"])
        await house.publish(type="live.started")
        waiting = await house.delivery("pending")
        cancelled = await house.post(f"/v1/deliveries/{waiting['id']}/cancel", None, 202)
        return failed, resent, done, again, cancelled, (await house.get("/v1/audit"))["items"]

    failed, resent, done, again, cancelled, audit = tell(story)
    assert (failed["attempts"], resent["state"], done["attempts"]) == (1, "pending", 2)
    again.problem(409)
    assert cancelled["state"] == "cancelled"
    assert {entry["action"] for entry in audit} >= {"delivery.resent", "delivery.cancelled"}


def test_recover_counts_and_sends_again_what_was_missed(tell):
    async def story(house):
        endpoint = await house.endpoint(retry={"kind": "fixed", "retries": 0, "delay": 0})
        house.wire.answers = [Response(500)]
        await house.publish()
        await house.delivery("failed")
        await house.publish()
        await house.delivery("delivered")
        path = f"/v1/endpoints/{endpoint['id']}"
        since = {"since": "2020-01-01T00:00:00Z"}
        counts = [
            await house.post(f"{path}/{kind}", {**since, "dry_run": True, **more}, 200)
            for kind, more in (
                ("recover", {}),
                ("recover", {"states": ["cancelled"]}),
                ("replay", {}),
                ("replay", {"until": "2020-01-02T00:00:00Z"}),
            )
        ]
        task = await house.post(f"{path}/recover", {**since, "rate": 50}, 202)
        for _ in range(2000):
            task = await house.get(f"/v1/tasks/{task['id']}")
            if task["state"] == "done":
                break
            await asyncio.sleep(0.005)
        over = await house.ask("PATCH", f"/v1/tasks/{task['id']}", {"rate": 5})
        wrong = [
            await house.ask("POST", f"{path}/recover", body)
            for body in (
                {},
                {"since": "soon"},
                {**since, "until": "2019-01-01T00:00:00Z"},
                {**since, "states": ["delivered"]},
            )
        ]
        return counts, task, over, wrong, await house.get("/v1/tasks")

    counts, task, over, wrong, listed = tell(story)
    assert counts == [{"count": 1}, {"count": 0}, {"count": 2}, {"count": 0}]
    assert (task["kind"], task["count"], task["done"], task["rate"]) == ("recover", 1, 1, 50)
    over.problem(409)
    assert [answer.pointers() for answer in wrong] == [["/since"], ["/since"], ["/since"], ["/states"]]
    assert [item["id"] for item in listed["items"]] == [task["id"]]


def test_a_tasks_rate_can_be_changed_and_the_task_cancelled(tell):
    async def story(house):
        endpoint = await house.endpoint(state="paused")
        for _ in range(5):
            await house.publish()
        body = {"since": "2020-01-01T00:00:00Z", "rate": 0.001}
        task = await house.post(f"/v1/endpoints/{endpoint['id']}/replay", body, 202)
        path = f"/v1/tasks/{task['id']}"
        changed = await house.patch(path, {"rate": 0.002, "state": "done"})
        bad = await house.ask("PATCH", path, {"rate": -1})
        cancelled = await house.post(f"{path}/cancel", None, 200)
        return changed, bad, cancelled, await house.ask("POST", f"{path}/cancel")

    changed, bad, cancelled, again = tell(story)
    assert changed["rate"] == 0.002
    assert changed["state"] in {"queued", "running"}
    assert bad.pointers() == ["/rate"]
    assert cancelled["state"] == "cancelled"
    again.problem(409)


def test_the_log_is_exported_as_csv(tell):
    async def story(house):
        endpoint = await house.endpoint(retry={"kind": "fixed", "retries": 1, "delay": 0})
        house.wire.answers = [Response(503)]
        await house.publish()
        await house.delivery()
        failed = await house.ask("GET", "/v1/logs/export?format=csv&status=failed")
        other = await house.ask("GET", "/v1/logs/export?format=xlsx")
        return endpoint, await house.ask("GET", "/v1/logs/export"), failed, other

    endpoint, answer, failed, other = tell(story)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    text = answer.body.decode()
    assert text.startswith(HEADER + "\r\n")
    second, first = list(csv.reader(io.StringIO(text)))[1:]
    assert (first[0], first[2], first[3], first[4], first[5], first[6]) == (
        endpoint["id"],
        "asset.created",
        URL,
        "0",
        "failed",
        "503",
    )
    assert (second[4], second[5], second[6], second[7]) == ("1", "succeeded", "200", "")
    assert first[1].endswith("Z")
    assert len(failed.body.decode().splitlines()) == 2
    assert "csv" in other.problem(422)["detail"]


@pytest.mark.fault("S27")
@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_plain(cell):
    assert plain(cell) == "'" + cell
    assert plain("asset.created") == "asset.created"
