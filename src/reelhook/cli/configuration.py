"""`reelhook settings` and `reelhook version`: what can be set, what is set, and what this is."""

import os
import platform
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.text import Text

from reelhook import __version__
from reelhook.cli.remote import Flag
from reelhook.cli.screen import Screen, write_json
from reelhook.model.secret import MASK
from reelhook.settings import (
    Given,
    Settings,
    SettingsError,
    as_env,
    as_markdown,
    as_toml,
    catalogue,
    gather,
    load,
    settings_file,
)


def settings(
    *,
    config: Path | None = None,
    current: Flag = False,
    form: Annotated[Literal["toml", "env", "markdown"], Parameter(name="--format")] = "toml",
    json: Flag = False,
) -> None:
    """Print every setting with its default and meaning, as a file to edit.

    Args:
        config: A TOML file with settings; else REELHOOK_CONFIG, else reelhook.toml when it is there.
        current: Put in what is set now, and fail when something is wrong.
        form: A TOML file, a file of environment variables, or a table for a document.
        json: Write JSON, for machines.
    """
    given = _given(config) if current else {}
    if json:
        write_json({"items": _items(given)}, indent=2)
    elif form == "markdown":
        sys.stdout.write(as_markdown())
    else:
        sys.stdout.write(as_toml(given) if form == "toml" else as_env(given))


def _given(config: Path | None) -> dict[str, Given]:
    file = settings_file(os.environ, config, Path.cwd())
    load(os.environ, file)
    given, problems = gather(os.environ, file, catalogue(Settings))
    if problems:
        raise SettingsError(*problems)
    return given


def _items(given: dict[str, Given]) -> list[dict[str, Any]]:
    items = []
    for each in catalogue(Settings):
        set_now = given.get(each.name)
        items.append(
            {
                "name": each.environment,
                "key": each.key,
                "kind": each.kind.name,
                "default": each.default,
                "secret": each.secret,
                "group": each.group,
                "meaning": each.meaning,
                "value": (MASK if each.secret else set_now.text) if set_now else None,
                "from": set_now.where if set_now else None,
            }
        )
    return items


def version(*, json: Flag = False) -> None:
    """Print the version.

    Args:
        json: Write JSON, for machines.
    """
    python = platform.python_version()
    Screen(as_json=json).answer(
        {"reelhook": __version__, "python": python}, lambda: Text(f"reelhook {__version__} (Python {python})")
    )
