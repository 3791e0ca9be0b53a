"""`reelhook serve` and `reelhook migrate`: the commands that are the server."""

import os
from collections.abc import Mapping
from pathlib import Path

from rich.text import Text

from reelhook.cli.announce import announce
from reelhook.cli.remote import Flag
from reelhook.cli.screen import Screen
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

    return run(settings, announce=announce)


def migrate(*, config: Path | None = None, json: Flag = False) -> None:
    """Bring the database to the tables of this version; safe to repeat. `serve` does it too when it starts.

    Args:
        config: A TOML file with settings; else REELHOOK_CONFIG, else reelhook.toml when it is there.
        json: Write JSON, for machines.
    """
    settings = read_settings(config)
    # On first use: as above.
    from reelhook import server

    server.migrate(settings)
    database = settings.database.shown
    Screen(as_json=json).answer({"database": database, "up_to_date": True}, lambda: Text(f"{database} is up to date."))
