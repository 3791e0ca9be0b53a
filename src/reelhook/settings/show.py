"""The settings written down for people: a TOML file or environment file with a comment on each, a table for the docs.

Every setting stands there with its default, commented out; the values that are in force can be put in their place.
"""

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping

from reelhook.model.secret import MASK
from reelhook.settings.declared import Settings
from reelhook.settings.given import Given
from reelhook.settings.setting import Setting, catalogue

_WIDTH = 100
_BARE = ("whole number", "seconds", "bytes", "true or false")
"""Kinds that TOML writes without quotation marks, where the text is a plain number or a plain flag."""

Line = Callable[[Setting, Given | None], str]


def as_toml(given: Mapping[str, Given] | None = None) -> str:
    """Write a commented TOML file; `given` puts the values in force where they are not the defaults."""
    return _file(given or {}, _toml_line)


def as_env(given: Mapping[str, Given] | None = None) -> str:
    """Write a commented file of environment variables, as `docker --env-file` and systemd's EnvironmentFile read."""
    return _file(given or {}, _env_line)


def as_markdown() -> str:
    """Write the page of the documentation that lists all settings."""
    lines = ["| Setting | Default | Kind | Meaning |", "|---|---|---|---|"]
    for each in catalogue(Settings):
        default = f"`{each.default}`" if each.default else ("unset" if each.default is None else "empty")
        meaning = each.meaning.replace("|", "\\|")
        note = f" Secret; `{each.environment}_FILE` can name a file that holds it instead." if each.secret else ""
        lines.append(f"| `{each.environment}` | {default} | {each.kind.name} | {meaning}{note} |")
    return "\n".join(lines) + "\n"


def _file(given: Mapping[str, Given], line: Line) -> str:
    written = ["# The settings of Reelhook, each with its default. Remove the # before a line to change it."]
    group = ""
    for each in catalogue(Settings):
        if each.group != group:
            group = each.group
            written += ["", f"## {group}"]
        written += ["", *_comment(each), line(each, given.get(each.name))]
    return "\n".join(written) + "\n"


def _comment(setting: Setting) -> Iterable[str]:
    yield from textwrap.wrap(setting.meaning, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    unset = "; unset unless given" if setting.default is None else ""
    if setting.secret:
        unset += f"; {setting.environment}_FILE can name a file that holds it instead"
    yield f"# ({setting.kind.name}{unset})"


def _toml_line(setting: Setting, given: Given | None) -> str:
    text = _text(setting, given)
    bare = setting.kind.name in _BARE and re.fullmatch(r"[0-9]+(\.[0-9]+)?|true|false", text)
    value = text if bare else json.dumps(text, ensure_ascii=False)
    return f"{_mark(setting, given)}{setting.key} = {value}"


def _env_line(setting: Setting, given: Given | None) -> str:
    return f"{_mark(setting, given)}{setting.environment}={_text(setting, given)}"


def _text(setting: Setting, given: Given | None) -> str:
    if given is None:
        return setting.default or ""
    return MASK if setting.secret else given.text


def _mark(setting: Setting, given: Given | None) -> str:
    """Leave the # away where a value is given; a masked secret stays a comment, or the mask would be taken for it."""
    return "" if given is not None and not setting.secret else "# "
