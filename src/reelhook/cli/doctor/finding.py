"""What the doctor finds: one line for each thing it looked at."""

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How bad it is. `warn` works but should be looked at; `fail` does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """What was looked at, how it is, and what to do about it where it is not well."""

    check: str
    level: Level
    says: str
    advice: str | None = None


def ok(check: str, says: str) -> Finding:
    """Note that something is well."""
    return Finding(check, Level.OK, says)


def warn(check: str, says: str, advice: str) -> Finding:
    """Note something to look at."""
    return Finding(check, Level.WARN, says, advice)


def fail(check: str, says: str, advice: str) -> Finding:
    """Note something that does not work."""
    return Finding(check, Level.FAIL, says, advice)
