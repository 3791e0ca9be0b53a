"""`reelhook move`: an installation goes from its SQLite file to PostgreSQL."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from reelhook.cli.outcome import Exit, Stop
from reelhook.cli.remote import Flag
from reelhook.cli.screen import Screen, safe, table
from reelhook.cli.serve import read_settings
from reelhook.settings.values import DATABASE, Database

if TYPE_CHECKING:
    from reelhook.server import Moved


def move(
    source: str, target: str, /, *, show_key: Flag = False, config: Path | None = None, json: Flag = False
) -> None:
    """Copy an installation from SQLite to PostgreSQL, and compare the copy; no server may run on either.

    REELHOOK_SECRET_KEY must be the source's, where that was made with one; else
    the key file beside it is used.

    Args:
        source: The SQLite file, as sqlite:///relative.db or sqlite:////absolute/path.db. It is not changed.
        target: A PostgreSQL database that is empty, as postgresql://user:password@host/database.
        show_key: Print what REELHOOK_SECRET_KEY must be from now on, where the source has a key file.
        config: A TOML file with settings; else REELHOOK_CONFIG, else reelhook.toml when it is there.
        json: Write JSON, for machines.
    """
    origin, goal = _database(source, postgres=False), _database(target, postgres=True)
    settings = read_settings(config)
    # On first use: the server's libraries take long to import.
    from reelhook import server

    moved = server.move(Path(origin.removeprefix("sqlite:///")), goal, settings.secret_key)
    answer = _answer(origin, goal, moved, show_key=show_key)
    Screen(as_json=json).answer(answer, lambda: _told(answer))


def _database(text: str, *, postgres: bool) -> Database:
    wanted = "postgresql://user:password@host/database" if postgres else "sqlite:///relative.db"
    try:
        read: Database = DATABASE.read(text)
    except ValueError as wrong:
        raise Stop(f"{'target' if postgres else 'source'}: {wrong}", Exit.USAGE) from None
    if read.is_postgres is not postgres:
        raise Stop(f"a move goes from SQLite to PostgreSQL: expected {wanted}, not {read.shown}", Exit.USAGE)
    return read


def _answer(source: Database, target: Database, moved: "Moved", *, show_key: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "source": source.shown,
        "target": target.shown,
        "tables": [{"table": one.table, "rows": one.rows, "checksum": one.checksum} for one in moved.tables],
        "key_file": str(moved.key_file) if moved.key_file else None,
    }
    if show_key and moved.key_file:
        answer["secret_key"] = moved.key_file.read_text().strip()
    return answer


def _told(answer: dict[str, Any]) -> RenderableType:
    rows = [(one["table"], one["rows"], one["checksum"]) for one in answer["tables"]]
    return Group(table(("TABLE", "ROWS", "CHECKSUM"), rows, ""), Text(), *map(Text, _next_steps(answer)))


def _next_steps(answer: dict[str, Any]) -> Sequence[str]:
    done = "All of it was compared with the source, row by row, and is the same."
    if answer["key_file"] is None:
        return done, "Set REELHOOK_DATABASE to the target; REELHOOK_SECRET_KEY stays as it is."
    key = f"the content of {answer['key_file']}"
    if "secret_key" in answer:
        key = answer["secret_key"]
    return done, safe(f"Set REELHOOK_DATABASE to the target, and REELHOOK_SECRET_KEY to {key}, on each node.")
