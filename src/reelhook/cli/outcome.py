"""How a command ends: exit codes that scripts can trust, and the exception that carries one line to stderr."""

from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """The exit code of the program."""

    DONE = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    FAILED = 5
    DEFECT = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


EXIT_CODES: Final = """\
Exit codes:
  0  done
  1  the answer is no: not found, wrong state, a test, check or signature failed
  2  the command, a setting or the given content is wrong
  3  the server cannot be reached
  4  not allowed: no token, a wrong one, or one that may not do this
  5  the server failed or is overloaded: try again later;
     for a start: another process uses the database, final until that one stops
 70  a defect of this program: please report it with what it printed
130  interrupted"""


class Stop(Exception):
    """Ends the command with a code and, where there is something to say, one line on stderr."""

    def __init__(self, message: str, code: Exit = Exit.NO) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
