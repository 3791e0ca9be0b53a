"""What was posted and is not on disk yet, by bytes: a disk that stalls must not fill the memory."""

from collections import Counter

from reelhook.ports import Acceptance


class Uncommitted:
    """Bounds what waits for a commit, for all and for each app, of which none may take more than a half."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._apps: Counter[str] = Counter()
        self.size = 0

    def take(self, acceptance: Acceptance) -> bool:
        """Count what is to be committed; False when it is too much. What comes alone is taken, however large."""
        size = _size_of(acceptance)
        own = self._apps[acceptance.app_id]
        if (own and 2 * (own + size) > self._most) or (self.size and self.size + size > self._most):
            return False
        self._apps[acceptance.app_id] = own + size
        self.size += size
        return True

    def give(self, acceptance: Acceptance) -> None:
        """Count no more what is on disk, or was refused."""
        size = _size_of(acceptance)
        self.size -= size
        self._apps[acceptance.app_id] -= size
        if not self._apps[acceptance.app_id]:
            del self._apps[acceptance.app_id]


def _size_of(acceptance: Acceptance) -> int:
    size = 0
    for event in acceptance.events:  # mostly there is one, and a generator would cost more than its work
        size += len(event.data)
    return size
