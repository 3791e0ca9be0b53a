"""Reading the settings: everything that is wrong is said at once, at the start, each with its name and what to do."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reelhook.errors import FieldError
from reelhook.settings.declared import Settings
from reelhook.settings.given import Given, gather
from reelhook.settings.setting import Setting, SettingsError, catalogue


def load(environ: Mapping[str, str], toml_path: Path | None = None) -> Settings:
    """Read the settings from the environment and a TOML file; the environment wins.

    Raises:
        SettingsError: a value is wrong, a name is unknown, or the file cannot be read.
    """
    declared = list(catalogue(Settings))
    given, problems = gather(environ, toml_path, declared)
    values: dict[str, Any] = {}
    for each in declared:
        if each.name in given:
            _read(each, given[each.name], values, problems)
    if not problems:
        settings = Settings(**values)
        problems = _contradictions(settings)
    if problems:
        raise SettingsError(*problems)
    return settings


def _read(setting: Setting, given: Given, values: dict[str, Any], problems: list[FieldError]) -> None:
    try:
        values[setting.name] = setting.kind.read(given.text)
    except ValueError as wrong:
        shown = "the value" if setting.secret else repr(_without_password(given.text))
        problems.append(FieldError(f"{given.where}: {shown} is not valid: {wrong}", f"/{setting.name}"))


def _without_password(text: str) -> str:
    """Mask what stands before the @ of a URL, which may be a password, and keep the rest short."""
    shown = re.sub(r"//.*@", "//***@", text)
    return shown if len(shown) <= 100 else shown[:100] + "…"


def _contradictions(settings: Settings) -> list[FieldError]:
    """Find values that are good each for itself and wrong together."""
    problems = []
    if settings.database.is_postgres and settings.secret_key is None:
        problems.append(
            FieldError(
                "REELHOOK_SECRET_KEY is not set, and with PostgreSQL in REELHOOK_DATABASE it must be, to the same on "
                "every node: `openssl rand -base64 32` makes one",
                "/secret_key",
            )
        )
    if not settings.database.is_postgres and settings.role != "all":
        problems.append(
            FieldError(
                f"REELHOOK_ROLE is {settings.role}, and with SQLite in REELHOOK_DATABASE one process does all; "
                "leave it out, or use PostgreSQL",
                "/role",
            )
        )
    if not settings.database.is_postgres and settings.database_pooler:
        problems.append(
            FieldError(
                "REELHOOK_DATABASE_POOLER is true, and REELHOOK_DATABASE is SQLite, which has no pooler; leave it out",
                "/database_pooler",
            )
        )
    if settings.circuit_pause > settings.circuit_pause_longest:
        problems.append(
            FieldError(
                f"REELHOOK_CIRCUIT_PAUSE ({settings.circuit_pause:g} s) is longer than "
                f"REELHOOK_CIRCUIT_PAUSE_LONGEST ({settings.circuit_pause_longest:g} s); change one",
                "/circuit_pause",
            )
        )
    if settings.max_event_bytes > settings.max_batch_bytes:
        problems.append(
            FieldError(
                f"REELHOOK_MAX_EVENT_BYTES ({settings.max_event_bytes}) is larger than "
                f"REELHOOK_MAX_BATCH_BYTES ({settings.max_batch_bytes}); change one",
                "/max_event_bytes",
            )
        )
    return problems
