"""`reelhook serve` and `reelhook migrate`: the commands that are the server."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from rich.text import Text

from reelhook.cli.announce import announce, announce_worker
from reelhook.cli.remote import Flag
from reelhook.cli.screen import Screen, note
from reelhook.settings import Settings, load, settings_file


def read_settings(config: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings as every command does: the environment before the file."""
    return load(environ, settings_file(environ, config, Path.cwd()))


def serve(*, config: Path | None = None) -> int:
    """Start the server and run until SIGTERM or SIGINT; `reelhook settings` lists what can be set.

    Args:
        config: A TOML file with settings; else REELHOOK_CONFIG, else reelhook.toml when it is there.
    """
    settings = read_settings(config)
    # On first use: the server's libraries take long to import, and no other command needs them.
    from reelhook.server import run

    return run(settings, announce=announce_worker if settings.role == "worker" else announce)


def migrate(*, config: Path | None = None, json: Flag = False) -> None:
    """Bring the database to the tables of this version; safe to repeat. `serve` does it too when it starts.

    Args:
        config: A TOML file with settings; else REELHOOK_CONFIG, else reelhook.toml when it is there.
        json: Write JSON, for machines.
    """
    settings = read_settings(config)
    # On first use: as above.
    from reelhook import server

    made = server.migrate(settings, partial(_tell_of_change, settings))
    database = settings.database.shown
    answer = {"database": database, "up_to_date": True, "migrations": made}
    Screen(as_json=json).answer(answer, lambda: Text(f"{database} is up to date."))


def _tell_of_change(settings: Settings, before: int, after: int) -> None:
    """Say before it is too late what cannot be undone."""
    note(
        f"{settings.database.shown} goes from schema {before} to {after}"
        + ("" if settings.database.is_postgres else "; the way back is a copy that was made before")
    )
