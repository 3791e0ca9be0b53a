"""How a command ends: exit codes that scripts can trust, and the exception that carries one line to stderr."""

from enum import IntEnum
from typing import Final

from reelhook.errors import ReelhookError, Stale, StoreBusy, Unavailable, WrongKey


class Exit(IntEnum):
    """The exit code of the program."""

    DONE = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    NOT_NOW = 5
    DEFECT = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


EXIT_CODES: Final = """\
Exit codes:
  0  done
  1  the answer is no: not found, wrong state, a test, check or signature failed,
     a database that does not fit
  2  the command, a setting, the key or the given content is wrong
  3  the server cannot be reached
  4  not allowed: no token, a wrong one, or one that may not do this
  5  not now: overloaded, stopping, full, or the database in use or out of reach;
     the same again may work
 70  a defect of this program or of the server: please report it with what was printed
130  interrupted
141  whoever read the output went away"""


class Stop(Exception):
    """Ends the command with a code and, where there is something to say, one line on stderr."""

    def __init__(self, message: str, code: Exit = Exit.NO) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


_BY_STATUS: Final = {
    400: Exit.USAGE,
    401: Exit.REFUSED,
    403: Exit.REFUSED,
    408: Exit.NOT_NOW,
    413: Exit.USAGE,
    415: Exit.USAGE,
    422: Exit.USAGE,
    429: Exit.NOT_NOW,
    431: Exit.USAGE,
    500: Exit.DEFECT,
}
_PASSING: Final = (Stale, StoreBusy)
"""What is over without anybody's change of the command, the settings or the installation."""


def of_status(status: int) -> Exit:
    """Return the exit code for an answer of the server that is an error."""
    return _BY_STATUS.get(status, Exit.NOT_NOW if status >= 500 else Exit.NO)


def of_error(error: ReelhookError) -> Exit:
    """Return the exit code for an error of a command that does its work itself, on the database.

    `Unavailable` as such is what only somebody's act changes: another version, a database in another state. A server
    says it with 503, for its clients may indeed come again. A key that does not fit is a setting like any other.
    """
    if error.problem_slug == "settings" or isinstance(error, WrongKey):
        return Exit.USAGE
    if isinstance(error, Unavailable) and not isinstance(error, _PASSING):
        return Exit.NO
    return of_status(error.status)
