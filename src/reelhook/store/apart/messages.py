"""What goes to the writing process and comes back, as MessagePack.

A batch can be large, so it is put into memory that both processes have open; the socket carries only its size there,
and the reply whole.
"""

import os
import socket
from typing import Any, Final, Self

import msgspec

from reelhook.errors import ReelhookError, StorageFull, StoreBusy
from reelhook.ports import Acceptance, AttemptRecord, Claimed, Completion, Taken
from reelhook.store.claiming import NOTHING, Claim
from reelhook.store.indexing import Chunk
from reelhook.store.operation import WriterFailed

_LARGEST_REPLY: Final = 128 * 1024
"""Many times what a batch can lead to, and less than a socket takes as one message."""
_KEPT: Final = 16 << 20
"""Bytes of shared memory that stay allocated between batches."""
_SAID: Final[dict[str, type[Exception]]] = {
    "full": StorageFull,
    "busy": StoreBusy,
    "broken": WriterFailed,
    "other": RuntimeError,
}


class Batch(msgspec.Struct, gc=False):
    """The operations of one transaction by their kinds, which are written in the order of `kinds`.

    `mark` is stored with it; `anew`: even if it is the one that the writing process stored last, because somebody else
    has written since. `now` is scheduling time (ms).
    """

    kinds: list[str]
    mark: int
    anew: bool
    now: int
    accept: list[Acceptance] = []
    record: list[Completion] = []
    claim: list[Claim] = []
    release: list[list[Claimed]] = []
    attempt: list[AttemptRecord] = []
    probe: list[None] = []
    index: list[list[Chunk]] = []

    @classmethod
    def of(cls, groups: dict[str, list[Any]], mark: int, now: int, *, anew: bool) -> Self:
        """Make a batch of operations that are grouped by kind."""
        return cls([*groups], mark, anew, now, **groups)

    def groups(self) -> dict[str, list[Any]]:
        """Return its operations by kind."""
        return {kind: getattr(self, kind) for kind in self.kinds}


PORTABLE: Final = frozenset(Batch.__struct_fields__[4:])
"""The kinds of operations that are values, so that another process can run them."""


class Reply(msgspec.Struct, gc=False):
    """How a batch ended: what recordings, claims (the ids that were taken, and when the rest is due) and indexing gave,
    or why nothing was stored.
    """

    recorded: list[bool] = []
    claimed: list[tuple[list[int], int | None]] = []
    indexed: list[int] = []
    error: tuple[str, str] | None = None


_encoder: Final = msgspec.msgpack.Encoder()
_batches: Final = msgspec.msgpack.Decoder(Batch)
_replies: Final = msgspec.msgpack.Decoder(Reply)


class Channel:
    """One side's end: a socket that keeps messages apart, and the shared memory."""

    def __init__(self, end: socket.socket, memory: int) -> None:
        self._socket = end
        self._memory = memory

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def send(self, encoded: bytes) -> None:
        """Send a batch, when the last one was replied to; raises OSError when nobody is there any more."""
        view = memoryview(encoded)
        while view:
            view = view[os.pwrite(self._memory, view, len(encoded) - len(view)) :]
        self._socket.send(len(encoded).to_bytes(8, "big"))

    def receive(self) -> bytearray:
        """Wait for an encoded batch; EOFError when there is nobody to send one."""
        size = int.from_bytes(self._receive(), "big")
        data = bytearray(size)
        view = memoryview(data)
        while view:
            view = view[os.preadv(self._memory, [view], size - len(view)) :]
        if size > _KEPT:
            os.ftruncate(self._memory, 0)
        return data

    def send_reply(self, reply: Reply) -> None:
        """Send a reply; raises OSError when nobody is there any more."""
        self._socket.send(_encoder.encode(reply))

    def receive_reply(self) -> Reply:
        """Take a reply that is there; EOFError when there is nobody to send one."""
        return _replies.decode(self._receive())

    def _receive(self) -> bytes:
        message = self._socket.recv(_LARGEST_REPLY)
        if not message:
            raise EOFError
        return message

    def close(self) -> None:
        """Be gone for the other side."""
        self._socket.close()
        os.close(self._memory)


def encode(batch: Batch) -> bytes:
    """Encode a batch; raises TypeError, ValueError or OverflowError for what MessagePack cannot hold."""
    return _encoder.encode(batch)


def batch_of(encoded: bytearray) -> Batch:
    """Decode a batch."""
    return _batches.decode(encoded)


def pack_error(error: Exception) -> tuple[str, str]:
    """Say why nothing was stored, so that the other side can raise it."""
    said = next((name for name, kind in _SAID.items() if isinstance(error, kind)), "other")
    if isinstance(error, ReelhookError):
        return said, error.detail
    return said, f"{error}" if said != "other" else f"{type(error).__name__}: {error}"


def unpack_error(error: tuple[str, str]) -> Exception:
    """Make the error again."""
    said, detail = error
    return _SAID[said](detail)


def results(groups: dict[str, list[Any]], reply: Reply) -> dict[str, list[Any]]:
    """Return what each operation gave, by kind."""
    given: dict[str, list[Any]] = {kind: [None] * len(values) for kind, values in groups.items()}
    given["accept"] = [one.answer for one in groups.get("accept", ())]
    given["record"] = reply.recorded
    given["claim"] = [
        _taken(claim, *reply) for claim, reply in zip(groups.get("claim", ()), reply.claimed, strict=True)
    ]
    given["index"] = reply.indexed
    return given


def _taken(claim: Claim, taken: list[int], next_due: int | None) -> Taken:
    ids = set(taken)
    return Taken([item for _, item in (claim.found or NOTHING).items if item.id in ids], next_due)
