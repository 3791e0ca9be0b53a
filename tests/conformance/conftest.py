"""One suite for every store: `tell` runs a story in an open store of each kind."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.invariants import check_sqlite
from tests.conformance.world import HandClock, World

from reelhook.model.ids import IdSource
from reelhook.store.sqlite import SqliteOptions, SqliteStore

Story = Callable[[World], Awaitable[Any]]


class Teller:
    """Opens the store, runs a story, closes the store; a second story finds what the first one left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = HandClock()
        self.ids = IdSource()

    def __call__(self, story: Story, *, crash: bool = False) -> Any:
        told = asyncio.run(self._run(story, crash))
        check_sqlite(self.path)
        return told

    async def _run(self, story: Story, crash: bool) -> Any:
        store = SqliteStore(SqliteOptions(self.path), self.clock, self.ids)
        try:
            return await story(World(store, self.clock, self.ids))
        finally:
            if crash:
                store.abandon()
            else:
                await store.close()


@pytest.fixture(params=["sqlite"])
def tell(request: pytest.FixtureRequest, tmp_path: Path) -> Teller:
    assert request.param == "sqlite"
    return Teller(tmp_path / "reelhook.db")
