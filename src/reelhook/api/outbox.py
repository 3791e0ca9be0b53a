"""The outbox of one connection: its answers on their way, which leave in the order of the requests."""

from collections import deque
from typing import Final

_CLOSE: Final = b"connection: close\r\n"


class Reply:
    """An answer on its way: its head without the length, and its body; no head yet while it is waited for."""

    __slots__ = ("body", "head")

    def __init__(self) -> None:
        self.head: bytes | None = None
        self.body = b""


class Outbox:
    """Keeps the answers that are owed."""

    __slots__ = ("_replies",)

    def __init__(self) -> None:
        self._replies: deque[Reply] = deque()

    def __len__(self) -> int:
        return len(self._replies)

    def owe(self) -> Reply:
        """Take the next place in the order, for an answer that is filled in when it is known."""
        reply = Reply()
        self._replies.append(reply)
        return reply

    def take(self, common: bytes, *, ending: bool) -> list[bytes]:
        """Take out the answers that no earlier one is waited for, each as it is sent, `common` among its headers;
        on a connection that is `ending` the last one says so.
        """
        replies = self._replies
        ready: list[bytes] = []
        while replies:
            head = replies[0].head
            if head is None:
                break
            body = replies.popleft().body
            last = _CLOSE if ending and not replies else b""
            ready.append(b"%b%b%bcontent-length: %d\r\n\r\n%b" % (head, common, last, len(body), body))
        return ready

    def clear(self) -> None:
        """Owe nothing any more: nobody listens."""
        self._replies.clear()
