"""The writing process: takes batches until the other side is gone."""

import ctypes
import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from reelhook.ports import Taken
from reelhook.store.apart.messages import Batch, Channel, Reply, batch_of, pack_error
from reelhook.store.connection import open_writer
from reelhook.store.writer import Writer

_DIES_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG (prctl(2))."""
_COLLECT_AFTER: Final = (50_000, 20, 100)


def main(database: str, descriptor: str, memory: str, parent: str) -> None:
    """Serve the process `parent` until it is gone: it alone decides when this one ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _die_with(int(parent))
    gc.set_threshold(*_COLLECT_AFTER)
    serve(Channel(socket.socket(fileno=int(descriptor)), int(memory)), Path(database))


def serve(channel: Channel, database: Path) -> None:
    """Write one batch after the other."""
    writer = Writer(open_writer(database))
    with suppress(EOFError, OSError):
        while True:
            channel.send_reply(_reply(writer, channel.receive()))


def _reply(writer: Writer, encoded: bytearray) -> Reply:
    try:
        return _write(writer, batch_of(encoded))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other side must hear of it
        return Reply(error=pack_error(error))


def _write(writer: Writer, batch: Batch) -> Reply:
    if batch.anew:
        writer.forget_mark()
    results = writer.write(batch.groups(), batch.mark, batch.now)
    claims: list[Taken] = results.get("claim", [])
    taken = [([one.id for one in each.claimed], each.next_due) for each in claims]
    return Reply(results.get("record", []), taken, results.get("index", []))


def _die_with(parent: int) -> None:
    """End with the process that is served, however that ends: what it had not heard of must not be written later."""
    ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
