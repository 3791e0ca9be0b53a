"""`reelhook doctor`: checks everything that a start needs, one line each, with what to do about it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from reelhook.cli.doctor import installation, machine, neighbours
from reelhook.cli.doctor.finding import Finding, Level, fail, ok
from reelhook.cli.outcome import Exit
from reelhook.cli.remote import Flag
from reelhook.cli.screen import Screen, safe
from reelhook.settings import Settings, SettingsError, load, settings_file

_STYLE: Final = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def doctor(
    *,
    url: Annotated[str | None, Parameter(env_var="REELHOOK_URL")] = None,
    config: Path | None = None,
    json: Flag = False,
) -> Exit:
    """Check settings, database, nodes, secret key, disk, clock, names, limits, server and mail; nothing is changed.

    The exit code is 1 when something fails; warnings do not count.

    Args:
        url: The server to ask; else the one that listens on REELHOOK_LISTEN.
        config: A TOML file with settings; else REELHOOK_CONFIG, else reelhook.toml when it is there.
        json: Write JSON, for machines.
    """
    findings = list(examine(config, url))
    healthy = all(each.level is not Level.FAIL for each in findings)
    answer = {"ok": healthy, "items": [msgspec.to_builtins(each) for each in findings]}
    Screen(as_json=json).answer(answer, lambda: _written(findings))
    return Exit.DONE if healthy else Exit.NO


def examine(config: Path | None, url: str | None) -> Iterator[Finding]:
    """Look at everything; with wrong settings there is nothing further to look at."""
    file = settings_file(os.environ, config, Path.cwd())
    try:
        settings = load(os.environ, file)
    except SettingsError as wrong:
        for problem in wrong.errors:
            yield fail("settings", problem.detail, "`reelhook settings` lists all settings")
        return
    yield ok("settings", "good, from the environment" + (f" and {file}" if file else ""))
    yield from _all(settings, url)


def _all(settings: Settings, url: str | None) -> Iterator[Finding]:
    yield from installation.examine(settings)
    yield from machine.examine(settings)
    yield from neighbours.examine(settings, url)


def _written(findings: list[Finding]) -> RenderableType:
    lines = []
    for each in findings:
        line = Text(f"{each.level:<5}", style=_STYLE[each.level])
        line.append(safe(f"{each.check}: {each.says}"), style="default")
        if each.advice:
            line.append(f"\n     → {safe(each.advice)}", style="default")
        lines.append(line)
    return Group(*lines)
