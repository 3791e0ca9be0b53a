"""The loop's side: gives batches to the writing process, and hears how they ended."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from reelhook.store.apart.messages import PORTABLE, Batch, Channel, Reply, encode, results, unpack_error
from reelhook.store.operation import Done, Operation, WriterFailed
from reelhook.store.writer import Writer, by_kind, in_order

_GONE: Final = "the process that writes the database has ended"
_OURS: Final = "REELHOOK_"
_PATIENCE: Final = 10.0


class WriterApart:
    """Implements `Elsewhere`. What it does not take is written in this process by `local`, on a connection of its own:
    there is one batch at a time, so the two never meet. `on_gone` is told when the process ends by itself.
    """

    def __init__(
        self, database: Path, lock: int, local: Writer, now: Callable[[], int], on_gone: Callable[[str], None]
    ) -> None:
        self._local = local
        self._now = now
        self._on_gone = on_gone
        self._loop = asyncio.get_running_loop()
        self._stored_here = True
        self._waiting: tuple[list[Operation], dict[str, list[Any]], Done] | None = None
        self._channel, self._process = _start(database, lock)
        self._loop.add_reader(self._channel.fileno(), self._replied)

    def take(self, batch: list[Operation], mark: int, done: Done) -> bool:
        """Have a batch written that is all values; False when it must be written here."""
        groups = by_kind(batch)
        encoded = self._encoded(groups, mark)
        if encoded is None:
            self._stored_here = True
            self._local.forget_mark()
            return False
        self._stored_here = False
        self._waiting = (batch, groups, done)
        try:
            self._channel.send(encoded)
        except OSError:
            self._loop.call_soon(self._fail)
        return True

    def stop(self) -> None:
        """End the process, after what it was given."""
        self._loop.remove_reader(self._channel.fileno())
        self._channel.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its disk does not answer; what it was given is in doubt, as after a power cut
            self._process.wait()

    def _encoded(self, groups: dict[str, list[Any]], mark: int) -> bytes | None:
        """Return the batch as a message; None when something in it is no value, or none that can be written down."""
        if not groups.keys() <= PORTABLE:
            return None
        try:
            return encode(Batch.of(groups, mark, self._now(), anew=self._stored_here))
        except (TypeError, ValueError, OverflowError):
            return None  # which operation is to blame is found out by writing it here

    def _replied(self) -> None:
        try:
            reply = self._channel.receive_reply()
        except (EOFError, OSError):
            self._loop.remove_reader(self._channel.fileno())
            self._fail()
            return
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            _settle(*waiting, reply)

    def _fail(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            batch, _, done = waiting
            done([(None, WriterFailed(_GONE))] * len(batch))
        else:
            self._on_gone(_GONE)


def _settle(batch: list[Operation], groups: dict[str, list[Any]], done: Done, reply: Reply) -> None:
    if reply.error is not None:
        done([(None, unpack_error(reply.error))] * len(batch))
        return
    done([(result, None) for result in in_order(batch, results(groups, reply))])


def _start(database: Path, lock: int) -> "tuple[Channel, subprocess.Popen[bytes]]":
    """Start the writing process. It keeps the file's lock too: as long as it lives nobody else may use the file. With
    `-P` nothing is imported that lies in the working directory.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    memory = os.memfd_create("reelhook-batch", os.MFD_CLOEXEC)
    arguments = [str(database), str(theirs.fileno()), str(memory), str(os.getpid())]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own program, with our own arguments
            [sys.executable, "-P", "-m", "reelhook.store.apart.process", *arguments],
            pass_fds=(theirs.fileno(), memory, lock),
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    return Channel(ours, memory), process
