"""The log as a PDF report: what an auditor is handed."""

import asyncio
import csv
import io
from typing import Any

import pytest
from pypdf import PdfReader
from tests.api.house import House

from reelhook.api import pdf_export
from reelhook.model.access import Role
from reelhook.model.http import Response
from reelhook.report import process

ONCE = {"kind": "fixed", "retries": 0, "delay": 0}


def pages(answer: Any) -> list[str]:
    assert answer.status == 200, answer.body[:600]
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="reelhook-log.pdf"'
    return [page.extract_text() for page in PdfReader(io.BytesIO(answer.body), strict=True).pages]


def words(text: str) -> str:
    return " ".join(text.split())


async def attempts(house: House, *statuses: int | None, **endpoint: Any) -> Any:
    """Make an endpoint and an attempt at it for each status, None for no answer."""
    made = await house.endpoint(retry=ONCE, **endpoint)
    for status in statuses:
        house.wire.answers = [Response(status)] if status else []
        if status is None:
            house.wire.will_refuse()
        event = await house.publish()
        done = status is not None and status < 300
        await house.delivery("delivered" if done else "failed", event_id=event["id"])
    return made


def test_the_report_has_title_filters_totals_and_every_attempt(tell):
    async def story(house):
        await house.patch("/v1/apps/default", {"name": "Aurora Media"})
        made = await attempts(house, 200, 500, None, 200, name="קול ישראל")
        return made, await house.ask("GET", f"/v1/logs/export?format=pdf&endpoint_id={made['id']}")

    made, answer = tell(story)
    (page,) = pages(answer)
    said = words(page)
    assert "Webhook delivery log" in said
    assert "Aurora Media (default)" in said
    assert f"Filters endpoint {made['id']}" in said
    assert "200: 2" in said
    assert "500: 1" in said
    assert "no answer: 1" in said
    assert "4 Attempts 2 Succeeded 2 Failed 50.0% Success rate" in said
    assert page.count(made["id"]) == 5  # among the filters, and in each row
    assert page.count("קול ישראל"[:3]) == 5
    assert "500: the receiver failed; look at its own log" in said
    assert "Page 1 of 1" in said


def test_the_report_and_the_csv_hold_the_same(tell):
    async def story(house):
        await attempts(house, 200, 404, 500)
        return [await house.ask("GET", f"/v1/logs/export?format={form}") for form in ("csv", "pdf")]

    as_csv, as_pdf = tell(story)
    heading, *rows = csv.reader(io.StringIO(as_csv.body.decode()))
    said = words(pages(as_pdf)[0])
    assert len(rows) == 3
    assert all(cell in said for cell in heading)
    for row in rows:
        assert all(words(cell) in said for cell in row)


def test_only_what_the_filters_name_is_reported(tell):
    async def story(house):
        await attempts(house, 200, 500)
        later = "2126-01-01T00:00:00Z"
        failed = await house.ask("GET", "/v1/logs/export?format=pdf&status=failed&status_code=500")
        none = await house.ask("GET", f"/v1/logs/export?format=pdf&since={later}")
        other = await house.ask("GET", "/v1/logs/export?format=pdf", app="nobody")
        return failed, none, other

    failed, none, other = tell(story)
    (page,) = pages(failed)
    assert "succeeded" not in page
    assert "Filters status failed; status code 500" in words(page)
    assert "1 Attempts 0 Succeeded 1 Failed" in words(page)
    (page,) = pages(none)
    assert "No attempt fits these filters." in page
    assert "2126-01-01T00:00:00Z to now" in page
    assert other.status in {200, 404}
    assert b"receiver.example" not in other.body


def test_headings_and_numbers_stand_on_every_page(tell):
    async def story(house):
        await attempts(house, *[200] * 60)
        return await house.ask("GET", "/v1/logs/export?format=pdf")

    found = pages(tell(story))
    assert len(found) > 1
    assert all("Event Triggered" in page for page in found)
    assert [f"Page {number} of {len(found)}" in page for number, page in enumerate(found, 1)] == [True] * len(found)


def test_more_than_a_report_may_have_is_refused_with_a_way_out(tell, monkeypatch):
    monkeypatch.setattr(pdf_export, "MOST_ROWS", 2)

    async def story(house):
        await attempts(house, 200, 200, 200)
        return await house.ask("GET", "/v1/logs/export?format=pdf"), await house.ask("GET", "/v1/logs/export")

    answer, as_csv = tell(story)
    problem = answer.problem(422, "over-limit")
    assert "2 attempts at most" in problem["detail"]
    assert "CSV" in problem["detail"]
    assert as_csv.status == 200


def test_a_report_that_takes_too_long_is_given_up_and_its_process_ended(tell, monkeypatch):
    monkeypatch.setattr(pdf_export, "LONGEST", 0.3)
    monkeypatch.setattr(process, "COMMAND", ("-c", "import time; time.sleep(600)"))
    started = []
    spawn = asyncio.create_subprocess_exec

    async def watched(*arguments: Any, **options: Any) -> Any:
        started.append(await spawn(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)

    async def story(house):
        await attempts(house, 200)
        return await house.ask("GET", "/v1/logs/export?format=pdf")

    problem = tell(story).problem(503, "unavailable")
    assert "CSV" in problem["detail"]
    assert [one.returncode for one in started] == [-9]


def test_a_report_that_fails_is_a_fault_of_ours_that_tells_nothing(tell, monkeypatch):
    monkeypatch.setattr(process, "COMMAND", ("-c", "raise SystemExit('canary')"))

    async def story(house):
        await attempts(house, 200)
        return await house.ask("GET", "/v1/logs/export?format=pdf")

    answer = tell(story)
    answer.problem(500, "internal")
    assert b"canary" not in answer.body


def test_whoever_may_read_the_log_may_export_it_and_nobody_else(tell):
    async def story(house):
        viewer = await house.add_token("viewer-of-these-tests", Role.VIEWER)
        return [await house.ask("GET", "/v1/logs/export?format=pdf", token=token) for token in (viewer, None)]

    viewer, nobody = tell(story)
    assert len(pages(viewer)) == 1
    nobody.problem(401)


@pytest.mark.parametrize("form", ["xlsx", "PDF", ""])
def test_an_unknown_form_is_refused_with_those_that_there_are(tell, form):
    async def story(house):
        return await house.ask("GET", f"/v1/logs/export?format={form}")

    problem = tell(story).problem(422)
    assert "csv or pdf" in problem["detail"]
