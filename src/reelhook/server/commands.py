"""What commands do on the database itself: bring it up to date, hold it, let it go on, change its key."""

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from reelhook.clock import SystemClock
from reelhook.errors import Conflict, FieldError
from reelhook.model.access import DEFAULT_APP
from reelhook.model.audit import AuditEntry
from reelhook.model.ids import IdSource
from reelhook.server.database import on_database, on_installation
from reelhook.settings import Settings, SettingsError
from reelhook.store import holding
from reelhook.store.holding import Waiting, held_since, waiting
from reelhook.store.master_key import finish_change, open_sealer
from reelhook.store.migrate import Tell
from reelhook.store.migrate import migrate as migrate_file
from reelhook.store.postgres.migrating import migrate_beside_others
from reelhook.store.postgres.resealing import refuse_other_seals
from reelhook.store.resealing import reseal
from reelhook.store.seal import Sealer
from reelhook.store.sql import Connection

_LAST_NODE: Final = 127
"""Commands take the highest number for their ids, nodes the lowest that is free."""


class Held(msgspec.Struct, frozen=True):
    """The installation on hold: since when (ms), whether that is news, and what waits."""

    since: int
    fresh: bool
    waiting: Waiting


class Released(msgspec.Struct, frozen=True):
    """The installation goes on: what waits, and how many deliveries got a time of their own."""

    waiting: Waiting
    spread: int


def migrate(settings: Settings, tell: Tell = lambda *_: None) -> list[int]:
    """Bring the database to the schema of this version; return the numbers of the migrations that it lacked."""
    if settings.database.is_postgres:
        return on_database(settings, partial(migrate_beside_others, tell=tell))
    return on_database(settings, partial(migrate_file, tell=tell), alone=True)


def hold(settings: Settings) -> Held:
    """Put the installation on hold."""

    def job(connection: Connection) -> Held:
        now = SystemClock().wall()
        fresh = holding.hold(connection, now, _entry("installation.hold", now))
        return Held(held_since(connection) or now, fresh, waiting(connection, now))

    return on_installation(settings, job)


def release(settings: Settings, rate: float | None, told: Callable[[int], None] = lambda _count: None) -> Released:
    """End the hold; with a rate, what is due begins so many a second.

    Raises:
        Conflict: it is not on hold.
    """

    def job(connection: Connection) -> Released:
        if held_since(connection) is None:
            raise Conflict("the installation is not on hold: there is nothing to release")
        now = SystemClock().wall()
        found = waiting(connection, now)
        entry = _entry("installation.release", now, {} if rate is None else {"rate": rate})
        return Released(found, holding.release(connection, now, rate, entry, told))

    return on_installation(settings, job)


def rekey(settings: Settings) -> dict[str, int]:
    """Seal everything with REELHOOK_SECRET_KEY; return how many values were sealed anew, by kind.

    Raises:
        SettingsError: the other key is missing.
        WrongKey: neither key is the one that the database was sealed with.
        Unavailable: something cannot be opened, or nodes still seal with the other key.
    """
    if settings.secret_key_other is None:
        said = "is not set: give it the key that was in use until now, and REELHOOK_SECRET_KEY the new one"
        raise SettingsError(FieldError(f"REELHOOK_SECRET_KEY_OTHER {said}", "/secret_key_other"))
    return on_installation(settings, partial(_rekey, settings=settings), alone=True)


def _rekey(connection: Connection, settings: Settings) -> dict[str, int]:
    database = None if settings.database.is_postgres else settings.database_path
    key_file = None if database is None else database.with_name(database.name + ".key")
    sealer = open_sealer(connection, settings.secret_key, key_file, settings.secret_key_other)
    _finish(connection, sealer, lambda: None)
    done = reseal(connection, sealer)
    _finish(connection, sealer, lambda: finish_change(connection, sealer))
    return done


def _finish(connection: Connection, sealer: Sealer, change: Callable[[], None]) -> None:
    """Make a change in a transaction in which every node at work seals with the new key, and none joins."""
    connection.begin()
    try:
        refuse_other_seals(connection, sealer)
        change()
        connection.commit()
    finally:
        connection.rollback()


def _entry(action: str, now: int, change: dict[str, object] | None = None) -> AuditEntry:
    return AuditEntry(IdSource(_LAST_NODE).take(now), DEFAULT_APP, now, "system", action, DEFAULT_APP, change or {})
