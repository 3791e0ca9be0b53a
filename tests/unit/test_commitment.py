"""A commitment tells its listeners at once, and a caller that waits for it like a future."""

import asyncio
from typing import Any

import pytest
from tests.worker.virtual import virtually

from reelhook.errors import Conflict
from reelhook.store.commitment import Commitment


def test_listeners_are_called_at_once_and_in_their_order() -> None:
    commitment: Commitment[str] = Commitment()
    heard: list[tuple[int, Any]] = []
    commitment.add_done_callback(lambda one: heard.append((1, one.result())))
    commitment.add_done_callback(lambda one: heard.append((2, one.result())))
    assert not commitment.done()
    commitment.set_result("stored")
    assert heard == [(1, "stored"), (2, "stored")]


def test_who_comes_late_is_told_at_once() -> None:
    commitment: Commitment[str] = Commitment()
    commitment.set_result("stored")
    heard: list[str] = []
    commitment.add_done_callback(lambda one: heard.append(one.result()))
    assert heard == ["stored"]


def test_a_listener_that_fails_keeps_nobody_else_from_hearing() -> None:
    commitment: Commitment[str] = Commitment()
    heard: list[str] = []
    commitment.add_done_callback(lambda _: 1 / 0)
    commitment.add_done_callback(lambda one: heard.append(one.result()))
    commitment.set_result("stored")
    assert heard == ["stored"]


def test_who_awaits_it_gets_the_result_or_the_error() -> None:
    async def story() -> None:
        good: Commitment[str] = Commitment()
        bad: Commitment[str] = Commitment()
        asyncio.get_running_loop().call_later(1, good.set_result, "stored")
        asyncio.get_running_loop().call_later(1, bad.set_exception, Conflict("it exists"))
        assert await good == "stored"
        assert await good == "stored"
        with pytest.raises(Conflict):
            await bad

    virtually(story())


def test_who_gives_up_waiting_takes_nothing_back() -> None:
    async def story() -> None:
        commitment: Commitment[str] = Commitment()
        patient, impatient = (asyncio.ensure_future(commitment) for _ in range(2))
        await asyncio.sleep(1)
        impatient.cancel()
        await asyncio.sleep(1)
        commitment.set_result("stored")
        assert await patient == "stored"
        assert impatient.cancelled()
        assert commitment.exception() is None

    virtually(story())
