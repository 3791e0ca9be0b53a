"""Refusals: the lanes that found the dispatcher's memory full, in the order in which they came. Pure."""

from collections.abc import Callable

from reelhook.worker.lanes import Lane


class Refusals:
    """A queue for each app. None is looked at before there is room for its app; then the first one is, and of the next
    app the first one.
    """

    def __init__(self) -> None:
        self._apps: dict[str, dict[Lane, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._apps.values()))

    def __bool__(self) -> bool:
        return bool(self._apps)

    def of(self, app_id: str) -> bool:
        """Tell whether lanes of an app wait."""
        return app_id in self._apps

    def add(self, lane: Lane) -> None:
        """Let a lane wait behind the others of its app; one that waits already keeps its place."""
        self._apps.setdefault(lane.app_id, {}).setdefault(lane)

    def forget(self, lane: Lane) -> None:
        """Let a lane wait no more."""
        waiting = self._apps.get(lane.app_id)
        if waiting is not None:
            waiting.pop(lane, None)
            if not waiting:
                del self._apps[lane.app_id]

    def clear(self) -> None:
        """Let none wait any more."""
        self._apps.clear()

    def take(self, may_ask: Callable[[str], bool]) -> Lane | None:
        """Take out the lane whose turn it is; None when there is no room for any app that waits.

        Few apps are asked in vain while there is room at all, for few can hold so large a part that they may not ask.
        """
        for app_id in self._apps:
            if may_ask(app_id):
                waiting = self._apps.pop(app_id)
                lane = next(iter(waiting))
                del waiting[lane]
                if waiting:
                    self._apps[app_id] = waiting  # behind the other apps
                return lane
        return None
