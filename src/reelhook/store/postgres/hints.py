"""Hints: nodes tell each other by NOTIFY what they would else find out by looking, which they do all the same.

A hint is never relied upon. It is sent after the commit that it speaks of, and never within it: PostgreSQL takes one
lock for the whole server when a transaction that notifies commits, and holds it until that is on disk, so that events
would be accepted one commit after the other, on all nodes together. The statement that only notifies holds it as well,
so it does not wait for the disk (`synchronous_commit = off`), and comes some milliseconds apart with all that was told
meanwhile.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from reelhook.store.postgres.opening import Servers

CHANNEL: Final = "reelhook"
MOST_NAMED: Final = 300
"""Ids in one hint: those of 20 characters stay below the 8000 bytes that a notification may have."""
_APART_SECONDS: Final = 0.01
_UNNAMED_APART_SECONDS: Final = 0.25
"""A hint that names nothing makes every node look at all that waits for it."""
_SETTINGS: Final = {"application_name": "reelhook hints", "synchronous_commit": "off"}
_LOOK_SECONDS: Final = 30.0
_PATIENCE_SECONDS: Final = 5.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_log: Final = structlog.get_logger("reelhook.store")


class Hint(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened: something is `due` for these endpoints, or for more than can be `named`; apps, endpoints, event
    types or tokens were `changed`.
    """

    due: tuple[int, ...] = ()
    named: bool = True
    changed: bool = False


_read: Final = msgspec.json.Decoder(Hint)


class PgHints:
    """Sends and hears hints over one connection in the loop; while there is none, and without a URL, nobody is told
    anything.
    """

    def __init__(self, url: str | None, heard: Callable[[Hint], None]) -> None:
        self._heard = heard
        self._due: set[int] = set()
        self._named = True
        self._changed = False
        self._woken = asyncio.Event()
        self._pause = _FIRST_PAUSE
        self.received = 0
        self.listening = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        if url is not None:
            servers = Servers(url, _SETTINGS, pooled=False, patience=_PATIENCE_SECONDS)
            self._running = asyncio.get_running_loop().create_task(self._run(servers), name="hints")

    def due(self, endpoint_ids: Collection[int]) -> None:
        """Tell the other nodes that something is due for these endpoints."""
        self._due.update(endpoint_ids)
        if len(self._due) > MOST_NAMED:
            self._due.clear()
            self._named = False
        self._woken.set()

    def changed(self) -> None:
        """Tell them that apps, or what belongs to them, were changed."""
        self._changed = True
        self._woken.set()

    async def close(self) -> None:
        """Tell nobody anything more, and close the connection."""
        self.abandon()
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)

    def abandon(self) -> None:
        """Stop at once."""
        if self._running is not None:
            self._running.cancel()

    async def _run(self, servers: Servers) -> None:
        """Keep a connection; one that is lost is opened again, later each time that fails in a row."""
        while True:
            try:
                await self._live(servers)
            except Exception as error:  # noqa: BLE001 - whatever it is, it costs hints only, and is tried again
                said = str(error) or type(error).__name__
                _log.warning("hints.lost", error=said, hint="until it is back, nodes look for themselves every second")
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    async def _live(self, servers: Servers) -> None:
        pg = await servers.open()
        try:
            pg.add_termination_listener(lambda _: self._woken.set())
            await pg.add_listener(CHANNEL, self._hear)
            self._pause = _FIRST_PAUSE
            self.listening.set()
            while True:
                await self._speak(pg)
        finally:
            self.listening.clear()
            pg.terminate()

    async def _speak(self, pg: asyncpg.Connection) -> None:
        """Send what there is to tell; look now and then whether the connection still lives."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._woken.wait()
        self._woken.clear()
        hint = self._take()
        if hint == Hint():
            await pg.execute("SELECT 1")
            return
        await pg.execute("SELECT pg_notify($1, $2)", CHANNEL, msgspec.json.encode(hint).decode())
        await asyncio.sleep(_APART_SECONDS if hint.named else _UNNAMED_APART_SECONDS)

    def _take(self) -> Hint:
        hint = Hint(tuple(self._due) if self._named else (), self._named, self._changed)
        self._due.clear()
        self._named, self._changed = True, False
        return hint

    def _hear(self, own: Any, sender: int, _channel: str, payload: object) -> None:
        if sender == own.get_server_pid():
            return
        try:
            hint = _read.decode(str(payload))
        except msgspec.MsgspecError:
            return  # somebody else's, or of a later version
        self.received += 1
        self._heard(hint)
