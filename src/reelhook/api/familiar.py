"""Familiar heads: clients that keep a connection send the same head again and again, but for the length of the body.

Having read one in full, with all its checks, the door takes the next request on that connection in one look when its
head is the very same: there is nothing left to find out. Everything that is not quite so goes the long way.
"""

import re
from collections.abc import Sequence
from typing import Final, Self

from reelhook.api.access import Known
from reelhook.api.desk import HotRequest, HotRoute

_LARGEST: Final = 2048
"""Larger heads are not kept (bytes)."""
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
_MOST_DIGITS: Final = 9
_KEPT: Final = b"keep-alive"
_ONCE_ONLY: Final = frozenset({b"expect", b"idempotency-key", b"transfer-encoding", b"upgrade"})
"""Headers of requests that are each a case of its own."""


class FamiliarHead:
    """A head that was read and admitted on this connection: what stands before the length of the body and after it."""

    __slots__ = ("after", "app", "authorization", "before", "hot", "known")

    def __init__(
        self, head: bytes, length: tuple[int, int], hot: HotRoute, known: Known, headers: dict[bytes, bytes]
    ) -> None:
        self.before = head[: length[0]]
        self.after = head[length[1] :]
        self.hot = hot
        self.known = known
        self.authorization = headers.get(b"authorization")
        self.app = headers.get(b"reelhook-app")

    @classmethod
    def learn(cls, data: bytes, request: HotRequest, headers: Sequence[tuple[bytes, bytes]]) -> Self | None:
        """Keep the head of a request that was published, where `data` is this request, all of it and nothing else."""
        named = dict(headers)
        if len(named) != len(headers) or not _ONCE_ONLY.isdisjoint(named):
            return None
        head = data[: data.find(_HEAD_END, 0, _LARGEST) + len(_HEAD_END)]
        length = _LENGTH.search(head)
        if request.known is None or length is None or len(head) + int(length[1]) != len(data):
            return None
        if named.get(b"connection", _KEPT).lower() != _KEPT or not head.partition(b"\r\n")[0].endswith(b" HTTP/1.1"):
            return None
        return cls(head, length.span(1), request.hot, request.known, named)

    def body_in(self, data: bytes) -> bytes | None:
        """Return the body where `data` is a whole request with this head; else None."""
        start = len(self.before)
        end = data.find(b"\r\n", start)
        if not data.startswith(self.before) or not data.startswith(self.after, end):
            return None
        digits = data[start:end]
        body = data[end + len(self.after) :]
        if not digits.isdigit() or len(digits) > _MOST_DIGITS or int(digits) != len(body):
            return None
        return body if len(body) <= self.hot.limit else None
