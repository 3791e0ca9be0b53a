"""`reelhook rekey`: everything that is sealed in the database, sealed with another key."""

from pathlib import Path
from typing import Final

from rich.text import Text

from reelhook.cli.remote import Flag
from reelhook.cli.screen import Screen
from reelhook.cli.serve import read_settings

_NAMES: Final = {"apps": "apps", "versions": "versions of endpoints", "answers": "kept answers"}


def rekey(*, config: Path | None = None, json: Flag = False) -> None:
    """Seal all secrets with REELHOOK_SECRET_KEY; REELHOOK_SECRET_KEY_OTHER opens what the key before has sealed.

    With PostgreSQL nodes go on working meanwhile; with SQLite the server must be
    stopped. When it is cut off, give the command again. docs/operations.md says
    in which order nodes get the keys.

    Args:
        config: A TOML file with settings; else REELHOOK_CONFIG, else reelhook.toml when it is there.
        json: Write JSON, for machines.
    """
    settings = read_settings(config)
    # On first use: the server's libraries take long to import.
    from reelhook import server

    done = server.rekey(settings)
    said = ", ".join(f"{count:,} {_NAMES[name]}" for name, count in done.items())
    end = "Everything opens with REELHOOK_SECRET_KEY alone: leave REELHOOK_SECRET_KEY_OTHER away from now on."
    Screen(as_json=json).answer({"sealed": done}, lambda: Text(f"Sealed anew: {said}. {end}"))
