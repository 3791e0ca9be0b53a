"""A commitment: an operation under way, as those hold it who wait for thousands of them a second.

It is what they need of a future, with one difference: its listeners are called at once, in the turn of the loop that
learns of the commit, and not each in a turn of its own, which would cost more than most of them do.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Final, Generic, TypeVar, cast

import structlog

T = TypeVar("T")
_log: Final = structlog.get_logger("reelhook.store")


class Commitment(Generic[T]):
    """Pending until `set_result` or `set_exception`; awaiting it waits in a future of one's own, so that whoever is
    cancelled meanwhile leaves the operation and the others alone.
    """

    __slots__ = ("_ended", "_error", "_listeners", "_result")

    def __init__(self) -> None:
        self._listeners: tuple[Callable[[Any], object], ...] = ()
        self._ended = False
        self._result: Any = None
        self._error: BaseException | None = None

    def add_done_callback(self, call: Callable[[Any], object], /) -> None:
        """Have `call` called with this as soon as the operation has ended; at once when it has."""
        if self._ended:
            call(self)
        else:
            self._listeners += (call,)

    def done(self) -> bool:
        """Tell whether it has ended."""
        return self._ended

    def cancelled(self) -> bool:
        """Tell that nobody can take it back: what was given to the writer is written."""
        return False

    def exception(self) -> BaseException | None:
        """Return why nothing was stored; None when it is on disk."""
        return self._error

    def result(self) -> T:
        """Return what the operation gave, or raise its error."""
        if self._error is not None:
            raise self._error
        result: T = self._result
        return result

    def set_result(self, result: T, error: BaseException | None = None) -> None:
        """End, well unless there is an error."""
        self._result, self._error, self._ended = result, error, True
        listeners, self._listeners = self._listeners, ()
        for call in listeners:
            try:
                call(self)
            except Exception:  # noqa: BLE001 - a listener's fault must not reach those of the rest of the batch
                _log.exception("commit.listener_failed")

    def set_exception(self, error: BaseException) -> None:
        """End badly."""
        self.set_result(cast("T", None), error)

    def __await__(self) -> Generator[Any, None, T]:
        if not self._ended:
            waiting = asyncio.get_running_loop().create_future()
            self.add_done_callback(lambda _: None if waiting.done() else waiting.set_result(None))
            yield from waiting
        return self.result()
