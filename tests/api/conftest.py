"""`tell(story)` opens a house, tells the story in it, and closes it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.api.house import House

Story = Callable[[House], Awaitable[Any]]


@pytest.fixture
def tell(tmp_path: Path) -> Callable[..., Any]:
    def run(story: Story, **environ: str) -> Any:
        async def within() -> Any:
            house = House(tmp_path / "reelhook.db", **environ)
            await house.open()
            try:
                return await story(house)
            finally:
                await house.close()

        return asyncio.run(within())

    return run
