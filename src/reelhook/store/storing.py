"""What is being stored at this moment, by key: whoever asks for it meanwhile waits until it is there, or is not."""

from collections.abc import Hashable, Iterable
from contextlib import suppress
from typing import Any

from reelhook.errors import ReelhookError
from reelhook.store.commitment import Commitment


class Storing:
    """Knows for each key the last commit under way that may store something for it."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, Commitment[Any]] = {}

    def announce(self, keys: Iterable[Hashable], commitment: Commitment[Any]) -> None:
        """Hear of a commit that was just asked for."""
        announced = list(keys)
        for key in announced:
            self._under_way[key] = commitment
        commitment.add_done_callback(lambda _: self._forget(announced, commitment))

    def any(self, keys: Iterable[Hashable]) -> bool:
        """Tell whether one of the keys is being stored."""
        under_way = self._under_way
        return bool(under_way) and any(key in under_way for key in keys)

    async def settle(self, keys: Iterable[Hashable]) -> None:
        """Wait until none of the keys is being stored any more, however that ended."""
        wanted = list(keys)
        while found := [self._under_way[key] for key in wanted if key in self._under_way]:
            with suppress(ReelhookError):  # it is for its publisher to hear; here it only is over
                await found[0]

    def _forget(self, keys: list[Hashable], commitment: Commitment[Any]) -> None:
        for key in keys:
            if self._under_way.get(key) is commitment:
                del self._under_way[key]
