"""A stop: what the API answers and what is being delivered end side by side."""

import asyncio
from types import SimpleNamespace

import pytest

from reelhook.server.run import _until_stopped


@pytest.mark.fault("R27")
def test_deliveries_do_not_wait_for_requests_under_way_nor_these_for_them() -> None:
    async def story() -> None:
        draining, answered = asyncio.Event(), asyncio.Event()
        server = SimpleNamespace(should_exit=False, force_exit=False)

        async def serve() -> None:
            await draining.wait()
            answered.set()

        async def drain() -> None:
            draining.set()
            await answered.wait()

        stop = asyncio.Event()
        stop.set()
        async with asyncio.timeout(10):
            await _until_stopped(stop, asyncio.create_task(serve()), server, asyncio.Event(), drain)
        assert (server.should_exit, server.force_exit) == (True, False)

    asyncio.run(story())


def test_a_store_that_broke_is_not_waited_for() -> None:
    async def story() -> None:
        server = SimpleNamespace(should_exit=False, force_exit=False)
        stop, broken = asyncio.Event(), asyncio.Event()
        stop.set()
        broken.set()

        async def serve() -> None:
            pass

        async def drain() -> None:
            raise AssertionError("nothing that is sent now could be recorded")

        await _until_stopped(stop, asyncio.create_task(serve()), server, broken, drain)
        assert server.force_exit

    asyncio.run(story())
