"""Memory: how much of events the dispatcher holds, by number and by bytes, of all apps and of each. Pure."""

from typing import Final

from reelhook.ports import Claimed

_SHARE: Final = 2
"""One app may hold a half at most: the rest of its backlog waits in the queue, and others keep their way through."""
_SMALLEST_CLAIM: Final = 256 * 1024
_ASKED: Final = 4
"""Claims of an app that are not answered yet ask for a quarter at most. They bring less than they ask for, and a server
takes its time: what they might bring would else leave no place to hand over, so all would go by the queue and be asked
for, and stay so for good."""
_PARTS: Final = 64
"""A claim is given this part of the bytes that are free, so that the first lanes cannot take them all."""


class _Held:
    __slots__ = ("asked", "asked_size", "count", "size")

    def __init__(self) -> None:
        self.count = 0
        self.size = 0
        self.asked = 0
        self.asked_size = 0


class Memory:
    """Counts deliveries from their reservation or claim until they begin, and the bytes of their events until their
    results are stored: it is a few large events, not many small ones, that fill a machine.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._apps: dict[str, _Held] = {}
        self.count = 0
        self.size = 0

    def has_room(self, app_id: str) -> bool:
        """Tell whether one more may come in for this app; the last one may be larger than what is left."""
        if self.count >= self._most or self.size >= self._most_bytes:
            return False
        own = self._apps.get(app_id)
        return own is None or (own.count * _SHARE < self._most and own.size * _SHARE < self._most_bytes)

    def may_ask(self, app_id: str) -> bool:
        """Tell whether one more claim may be made for this app."""
        own = self._apps.get(app_id)
        unasked = own is None or (own.asked * _ASKED < self._most and own.asked_size * _ASKED < self._most_bytes)
        return unasked and self.has_room(app_id)

    def ask(self, app_id: str, count: int, size: int) -> None:
        """Keep room for what a claim may bring in."""
        self.add(app_id, count, size)
        own = self._apps[app_id]
        own.asked += count
        own.asked_size += size

    def answered(self, app_id: str, count: int, size: int) -> None:
        """Let go of that room; what came is added."""
        own = self._apps[app_id]
        own.asked -= count
        own.asked_size -= size
        self.drop(app_id, count, size)

    def allowance(self, count: int) -> int:
        """Return how many bytes a claim of so many deliveries may bring in; it brings in one, however large."""
        usual = count * (self._most_bytes // max(1, self._most))
        return max(_SMALLEST_CLAIM, usual, (self._most_bytes - self.size) // _PARTS)

    def add(self, app_id: str, count: int, size: int) -> None:
        """Take in deliveries, or bytes of ones that are there."""
        own = self._apps.get(app_id)
        if own is None:
            own = self._apps[app_id] = _Held()
        own.count += count
        own.size += size
        self.count += count
        self.size += size

    def drop(self, app_id: str, count: int, size: int) -> None:
        """Let go of deliveries, or of bytes."""
        own = self._apps[app_id]
        own.count -= count
        own.size -= size
        self.count -= count
        self.size -= size
        if not own.count and not own.size:
            del self._apps[app_id]


def size_of(claimed: Claimed) -> int:
    """Return how many bytes a delivery holds in memory: its event's data."""
    return len(claimed.event.data)
