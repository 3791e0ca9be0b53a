"""A session on a PostgreSQL server, for what the bench itself asks and does there."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

import asyncpg

T = TypeVar("T")


class Session:
    """Each call returns when the server has answered."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection = self._loop.run_until_complete(asyncpg.connect(url))

    def run(self, text: str) -> None:
        """Run statements without parameters."""
        self._wait(lambda: self._connection.execute(text))

    def value(self, text: str, *arguments: Any) -> Any:
        """Return the first column of the first row."""
        return self._wait(lambda: self._connection.fetchval(text, *arguments))

    def plan(self, text: str, *arguments: Any) -> dict[str, Any]:
        """Return the top of what `EXPLAIN (FORMAT JSON)` says of a statement."""
        found: dict[str, Any] = json.loads(self.value(text, *arguments))[0]["Plan"]
        return found

    def column(self, text: str, *arguments: Any) -> list[Any]:
        """Return the first column."""
        return [row[0] for row in self._wait(lambda: self._connection.fetch(text, *arguments))]

    def close(self) -> None:
        """Say good-bye."""
        self._wait(self._connection.close)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self, call: Callable[[], Awaitable[T]]) -> T:
        async def called() -> T:
            return await call()

        return self._loop.run_until_complete(called())
