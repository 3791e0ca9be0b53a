"""What was given for the settings, in the environment and in the TOML file, as text with where it came from."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from reelhook.errors import FieldError
from reelhook.settings.setting import PREFIX, Setting, SettingsError

CLIENT_NAMES: Final = ("REELHOOK_URL", "REELHOOK_TOKEN", "REELHOOK_APP", "REELHOOK_SECRET", "REELHOOK_CONFIG")
"""Names in the environment that the command line reads; they are no settings of the server."""
FILE_NAME: Final = "reelhook.toml"
_FROM_FILE: Final = "_FILE"
"""`REELHOOK_SECRET_KEY_FILE` names a file that holds the secret; so it is for every secret setting."""


class Given(NamedTuple):
    """The text given for a setting, and where: a name in the environment, or a key and its file."""

    text: str
    where: str


def settings_file(environ: Mapping[str, str], chosen: Path | None, directory: Path) -> Path | None:
    """Tell which TOML file counts: the chosen one, else `REELHOOK_CONFIG`, else `reelhook.toml` when it is there."""
    if chosen is not None:
        return chosen
    if environ.get("REELHOOK_CONFIG"):
        return Path(environ["REELHOOK_CONFIG"])
    usual = directory / FILE_NAME
    return usual if usual.is_file() else None


def gather(
    environ: Mapping[str, str], toml_path: Path | None, settings: Iterable[Setting]
) -> tuple[dict[str, Given], list[FieldError]]:
    """Collect what is given, by the settings' names, and what is wrong with the names; the environment wins.

    An empty text means the default.

    Raises:
        SettingsError: the file cannot be read.
    """
    known = {each.name: each for each in settings}
    problems: list[FieldError] = []
    from_file = _from_toml(toml_path, known, problems) if toml_path else {}
    from_environment = _from_environment(environ, known, problems)
    return {name: given for name, given in (from_file | from_environment).items() if given.text}, problems


def _from_environment(
    environ: Mapping[str, str], known: Mapping[str, Setting], problems: list[FieldError]
) -> dict[str, Given]:
    names = {each.environment: each.name for each in known.values()}
    files = {each.environment + _FROM_FILE: each.name for each in known.values() if each.secret}
    found: dict[str, Given] = {}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        value = environ[variable]
        if variable in names:
            found[names[variable]] = Given(value.strip(), variable)
        elif variable in files:
            if value and environ.get(direct := variable.removesuffix(_FROM_FILE), "").strip():
                problems.append(FieldError(f"{direct} and {variable} are both set; keep one", f"/{files[variable]}"))
            elif value:
                found[files[variable]] = Given(_content(value, variable, problems), variable)
        elif variable not in CLIENT_NAMES:
            problems.append(_unknown(variable, [*names, *files, *CLIENT_NAMES], "the environment"))
    return found


def _content(path: str, where: str, problems: list[FieldError]) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        problems.append(FieldError(f"{where}: the file {path} cannot be read: {_reason(wrong)}", f"/{where}"))
        return ""


def _from_toml(path: Path, known: Mapping[str, Setting], problems: list[FieldError]) -> dict[str, Given]:
    names = {each.key: each.name for each in known.values()} | {name: name for name in known}
    found: dict[str, Given] = {}
    for key, value in _read_toml(path).items():
        where = f"{key} in {path}"
        text = _as_text(value)
        if key not in names:
            problems.append(_unknown(key, list(names), str(path)))
        elif names[key] in found:
            problems.append(FieldError(f"{where}: given twice, with and without reelhook_; keep one", f"/{key}"))
        elif text is None:
            problems.append(FieldError(f"{where}: expected text, a number, true, false or a list of texts", f"/{key}"))
        else:
            found[names[key]] = Given(text, where)
    return found


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise SettingsError(FieldError(f"the settings file {path} cannot be read: {_reason(wrong)}")) from wrong


def _reason(wrong: Exception) -> str:
    """Say why in one clause; an OSError's own text would repeat the path."""
    return (wrong.strerror or "unknown reason").lower() if isinstance(wrong, OSError) else str(wrong)


def _as_text(value: object) -> str | None:
    """Write a TOML value as the text that the environment would have; None for tables and dates."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value).strip()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return None


def _unknown(name: str, known: list[str], where: str) -> FieldError:
    bare = {_bare(each): each for each in reversed(known)}
    close = difflib.get_close_matches(_bare(name), bare, n=1)
    hint = f"did you mean {bare[close[0]]}?" if close else "`reelhook settings` lists them all"
    return FieldError(f"{name} in {where}: there is no such setting; {hint}", f"/{name}")


def _bare(name: str) -> str:
    """Leave the prefix away, which would make all names alike."""
    return name.lower().removeprefix(PREFIX.lower())
