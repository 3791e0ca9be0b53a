"""Staleness: what the journal refuses because this process knew too little is done once more, when it knows better."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from reelhook.errors import Stale
from reelhook.ports import Committing

TRIES: Final = 5
"""How often something is done anew before its client is told to try again."""


class Staleness:
    """Overcomes it by `refresh`, which brings this process up to date; without one nothing is ever stale."""

    def __init__(self) -> None:
        self.refresh: Callable[[], Awaitable[None]] | None = None

    def overcome(self, accepting: Callable[[], Committing[bytes]]) -> Committing[bytes]:
        """Accept something, as often as needed."""
        refresh = self.refresh
        return accepting() if refresh is None else asyncio.ensure_future(_repeated(accepting, refresh))


async def _repeated(accepting: Callable[[], Committing[bytes]], refresh: Callable[[], Awaitable[None]]) -> bytes:
    for _ in range(TRIES):
        try:
            return await accepting()
        except Stale:
            await refresh()
    return await accepting()
