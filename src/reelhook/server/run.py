"""Run: from settings to a serving process, and back down in order."""

import asyncio
import gc
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog
import uvloop

from reelhook import __version__
from reelhook.clock import SystemClock
from reelhook.errors import FieldError
from reelhook.model.ids import IdSource
from reelhook.server.assembly import assemble, services
from reelhook.server.database import naming_faults, naming_server
from reelhook.server.engine import Engine
from reelhook.server.operator import ensure_operator
from reelhook.server.serving import Server, listen, make_server
from reelhook.settings import Settings, SettingsError
from reelhook.telemetry import Metrics, configure_logging

Announce = Callable[[str, str | None, str], None]
_SWITCH_SECONDS: Final = 0.0005
"""The writer thread wins the interpreter back sooner than Python's default of 5 ms, which a busy loop would cost it."""
_COLLECT_AFTER: Final = (50_000, 20, 100)
"""The values of the hot path die by reference counts; looking for cycles among them cost a tenth of the time."""
_log = structlog.get_logger("reelhook")


def run(settings: Settings, *, announce: Announce) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status: 0 after an orderly stop, 1 when the store broke."""
    configure_logging(settings.log_format, settings.log_level)
    _raise_file_limit()
    gc.set_threshold(*_COLLECT_AFTER)
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        listener = listen(settings.listen)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        said = f"REELHOOK_LISTEN: cannot listen on {settings.listen}: {reason}; give another address, or free this one"
        raise SettingsError(FieldError(said, "/listen")) from None
    return uvloop.run(_serve(settings, announce, listener))


async def _serve(settings: Settings, announce: Announce, listener: socket.socket) -> int:
    loop = asyncio.get_running_loop()
    broken: asyncio.Event = asyncio.Event()
    stop: asyncio.Event = asyncio.Event()
    clock, ids, metrics = SystemClock(), IdSource(settings.node), Metrics(__version__)
    database = settings.database
    with naming_server(database) if database.is_postgres else naming_faults(settings.database_path):
        engine, wire = await assemble(settings, clock, ids, metrics, lambda reason: _break(reason, broken, stop))
    broken_watch = loop.create_task(_halt_when_broken(broken, engine))
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    token, source = await ensure_operator(engine.store.tokens, settings.operator_token, clock, ids)
    host, port = listener.getsockname()[:2]
    wire.own_addresses.append((host, port))
    url = settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    app, door = services(settings, engine, url)
    rescued = await engine.start()
    if rescued:
        _log.warning("deliveries.rescued", count=rescued, hint="the last run ended while these were being sent")
    server = make_server(app, door, settings.drain_seconds)
    gc.freeze()
    serving = loop.create_task(server.serve(sockets=[listener]))
    announce(url, token, source)
    await _until_stopped(stop, serving, server, broken, engine.drain)
    broken_watch.cancel()
    if broken.is_set():
        return 1
    await engine.stop()
    await wire.close()
    return 0


async def _halt_when_broken(broken: asyncio.Event, engine: Engine) -> None:
    """Send nothing more once nothing can be recorded: each delivery would be repeated after the next start."""
    await broken.wait()
    engine.dispatcher.halt()


async def _until_stopped(
    stop: asyncio.Event,
    serving: "asyncio.Task[None]",
    server: Server,
    broken: asyncio.Event,
    drain: Callable[[], Awaitable[None]],
) -> None:
    """Serve until told to stop; then requests and deliveries under way end side by side, or one would wait for the
    other and a stop take twice as long as it may.
    """
    stopping = asyncio.get_running_loop().create_task(stop.wait())
    await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    server.force_exit = broken.is_set()
    if broken.is_set():
        await serving
    else:
        await asyncio.gather(serving, drain())


def _break(reason: str, broken: asyncio.Event, stop: asyncio.Event) -> None:
    """Stop at once: what is on the disk is uncertain, and only a new start reads what is really there."""
    _log.critical("store.broken", reason=reason)
    broken.set()
    stop.set()


def _raise_file_limit() -> None:
    """Use as many file descriptors as the system lets this process have: every connection takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
