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

    def announce(self, keys: Iterable[Hashable], commitment: "Commitment[Any]") -> None:
        """Hear of a commit that was just asked for."""
        announced = list(keys)
        for key in announced:
            self._under_way[key] = commitment
        commitment.add_done_callback(lambda _: self._forget(announced, commitment))

    def __contains__(self, key: Hashable) -> bool:
        return key in self._under_way

    async def end(self, key: Hashable) -> None:
        """Wait until what is under way for a key has ended, one way or the other."""
        commitment = self._under_way.get(key)
        if commitment is not None:
            with suppress(ReelhookError):  # that is for its publisher to hear
                await commitment

    def _forget(self, keys: list[Hashable], commitment: "Commitment[Any]") -> None:
        for key in keys:
            if self._under_way.get(key) is commitment:
                del self._under_way[key]
