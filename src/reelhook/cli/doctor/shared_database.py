"""What belongs to an installation on PostgreSQL: its server, the tables, the nodes, the key. Nothing is changed."""

from collections.abc import Iterator
from typing import Final

import asyncpg

from reelhook.cli.doctor import nodes
from reelhook.cli.doctor.finding import Finding, fail, ok, warn
from reelhook.cli.doctor.state import changing, hold
from reelhook.errors import ReelhookError
from reelhook.settings import Settings
from reelhook.store.master_key import open_sealer
from reelhook.store.migrate import latest_version, schema_version, standing
from reelhook.store.postgres.connection import PgConnection
from reelhook.store.postgres.move import refuse_half_moved

_OLDEST: Final = 150_000
"""`server_version_num` of PostgreSQL 15."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Ask the server that the settings name."""
    where = settings.database.shown
    connection = PgConnection(settings.database, pooled=settings.database_pooler)
    try:
        yield _version(connection)
        yield _durable(connection)
        yield _schema(connection, where)
        if schema_version(connection):
            yield hold(connection)
            yield from nodes.examine(connection)
        yield _key(connection, settings)
    except ReelhookError as wrong:
        yield fail("database", wrong.detail, "look at the server, or change REELHOOK_DATABASE")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as wrong:
        said = str(wrong) or type(wrong).__name__
        yield fail("database", f"{where} cannot be used: {said}", "start the server, or change REELHOOK_DATABASE")
    finally:
        connection.close()


def _version(connection: PgConnection) -> Finding:
    number, name = connection.execute("SELECT current_setting('server_version_num')::integer, version()").fetchall()[0]
    if number < _OLDEST:
        return fail("database server", f"it is {name.split(',')[0]}", "PostgreSQL 15 or newer is needed")
    return ok("database server", name.split(" (")[0].split(",")[0])


def _durable(connection: PgConnection) -> Finding:
    lax = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if _setting(connection, name) == "off"]
    if lax:
        named = " and ".join(lax)
        return warn("durability", f"{named} off: a crash of the server can lose what was accepted", "turn it on")
    return ok("durability", "what is committed survives a crash of the server")


def _setting(connection: PgConnection, name: str) -> str:
    value: str = connection.execute("SELECT current_setting(?)", (name,)).get
    return value


def _schema(connection: PgConnection, where: str) -> Finding:
    found, newest = standing(connection), latest_version(connection.backend)
    if not found.version:
        return ok("database", f"{where} is empty; the first start makes the tables")
    refuse_half_moved(connection)
    if not found.takes(newest):
        return fail("database", f"{where} was written by a newer Reelhook", "install that version or a later one")
    if found.version < newest:
        known = f"schema {found.version}, this one has {newest}"
        return warn(
            "database", f"{where} is of an older version ({known})", "`reelhook migrate`, or the next start, updates it"
        )
    if found.version > newest:
        known = f"schema {found.version}, this one has {newest}"
        return ok("database", f"{where} is ahead of this version ({known}), which works with it: upgrade is under way")
    return ok("database", f"{where} can be used and is up to date (schema {found.version})")


def _key(connection: PgConnection, settings: Settings) -> Finding:
    """Try the key on what was sealed with it, in a transaction that cannot write."""
    if not schema_version(connection):
        return ok("secret key", "nothing was sealed with it yet")
    connection.begin(write=False)
    try:
        open_sealer(connection, settings.secret_key, None, settings.secret_key_other)
        if (under_way := changing(connection)) is not None:
            return under_way
    except ReelhookError as wrong:
        return fail("secret key", wrong.detail, "the key that made the database is needed, the same on every node")
    except asyncpg.ReadOnlySQLTransactionError:
        return ok("secret key", "nothing was sealed with it yet")
    finally:
        connection.rollback()
    return ok("secret key", "REELHOOK_SECRET_KEY is the key of this database")
