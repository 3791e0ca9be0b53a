"""Mails wait in the postbox, are gathered by address, and are tried again."""

import asyncio

import pytest
from structlog.testing import capture_logs
from tests.worker.scene import Outbox
from tests.worker.virtual import START, LoopClock, running, virtually

from reelhook.telemetry import Metrics
from reelhook.worker.mail import NotSent
from reelhook.worker.notice import Notice
from reelhook.worker.postbox import BACKOFF_MS, Postbox, gather


class Scene:
    def __init__(self, *failures: Exception) -> None:
        self.outbox = Outbox()
        self.outbox.failures = list(failures)
        self.metrics = Metrics("test")
        self.postbox = Postbox(self.outbox, LoopClock(), self.metrics)

    def put(self, *addresses: str, subject: str = "news") -> None:
        self.postbox.put(addresses, Notice(subject, "text"))

    def play(self, scenario) -> list[dict]:
        with capture_logs() as logs:
            virtually(running(self.postbox, scenario))
        return logs


def test_each_address_gets_its_own_mail_once():
    scene = Scene()

    async def scenario() -> None:
        scene.put("a@x", "b@x", "a@x")
        await asyncio.sleep(1)

    scene.play(scenario())
    assert [mail.to for mail in scene.outbox.mails] == ["a@x", "b@x"]


def test_a_storm_for_one_address_becomes_few_mails():
    scene = Scene()

    async def scenario() -> None:
        for second in range(3600):
            scene.put("a@x", subject=f"endpoint {second} fails")
            await asyncio.sleep(1)

    scene.play(scenario())
    assert 8 <= len(scene.outbox.mails) <= 13
    assert scene.outbox.mails[0].at == START
    # The fifth falls on the very moment of the second mail: either may come first.
    assert {"[Reelhook] 4 notices", "[Reelhook] 5 notices"} & set(scene.outbox.subjects("a@x"))
    assert "more notices are left out" in scene.outbox.mails[-1].text


def test_an_address_that_was_quiet_gets_its_next_mail_at_once():
    scene = Scene()

    async def scenario() -> None:
        for _ in range(3):
            scene.put("a@x")
            await asyncio.sleep(1800)

    scene.play(scenario())
    assert [mail.at - START for mail in scene.outbox.mails] == [0, 1_800_000, 3_600_000]


def test_a_mail_that_is_not_taken_is_tried_again_later_under_the_same_message_id():
    scene = Scene(*[NotSent("busy", lasting=False)] * len(BACKOFF_MS))

    async def scenario() -> None:
        scene.put("a@x")
        await asyncio.sleep(sum(BACKOFF_MS) / 1000 + 1)

    logs = scene.play(scenario())
    [mail] = scene.outbox.mails
    assert mail.at == START
    assert [line["pause"] for line in logs if line["event"] == "mail.waits"] == [5, 30, 120, 600]


@pytest.mark.parametrize(
    "failures",
    [
        [NotSent("no such user", lasting=True)],
        [NotSent("busy", lasting=False)] * (len(BACKOFF_MS) + 1),
        [RuntimeError("ours")],
    ],
)
def test_a_mail_that_cannot_be_sent_is_given_up_loudly_and_the_others_go_on(failures):
    scene = Scene(*failures)

    async def scenario() -> None:
        scene.put("a@x")
        await asyncio.sleep(3600)
        scene.put("b@x")
        await asyncio.sleep(1)

    logs = scene.play(scenario())
    assert [line["to"] for line in logs if line["event"] == "mail.given_up"] == ["a@x"]
    assert [mail.to for mail in scene.outbox.mails] == ["b@x"]
    assert scene.metrics.notices_dropped == 1


def test_what_waits_at_the_stop_is_tried_once_more():
    scene = Scene(NotSent("busy", lasting=False))

    async def scenario() -> None:
        scene.put("a@x")
        await asyncio.sleep(1)
        scene.put("a@x", subject="later")

    scene.play(scenario())
    assert [mail.subject for mail in scene.outbox.mails] == ["news", "later"]


def test_a_mail_server_that_hangs_does_not_hold_up_the_stop():
    scene = Scene()

    async def hang(_) -> None:
        await asyncio.sleep(3600)

    async def scenario() -> None:
        await asyncio.sleep(1)
        scene.outbox.send = hang
        scene.put("a@x")
        await asyncio.sleep(1)

    with capture_logs() as logs:
        took = virtually(_timed(running(scene.postbox, scenario())))
    assert took < 20
    assert [line["event"] for line in logs] == ["mail.given_up"]


async def _timed(work) -> float:
    await work
    return asyncio.get_running_loop().time()


def test_too_many_addresses_are_refused_loudly():
    scene = Scene()

    async def scenario() -> None:
        scene.put(*(f"{number}@x" for number in range(1001)))
        await asyncio.sleep(1)

    logs = scene.play(scenario())
    assert [line["to"] for line in logs if line["log_level"] == "error"] == ["1000@x"]


def test_one_notice_is_the_mail_itself():
    assert gather([Notice("s", "t")], 0) == ("s", "t")
