"""The program: its commands as one readable list, and how it ends.

Commands are named by import path, so that only the one that runs is imported and the program starts fast.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

from reelhook import __version__
from reelhook.cli.outcome import EXIT_CODES, Exit, Stop, of_error
from reelhook.cli.screen import note
from reelhook.errors import ReelhookError

_RUNNING: Final = "Running it"
_USING: Final = "Publishing and looking"
_MENDING: Final = "Sending again"
_SIGNING: Final = "Signatures"

COMMANDS: Final = (
    ("serve", "reelhook.cli.serve:serve", _RUNNING),
    ("demo", "reelhook.cli.demo:demo", _RUNNING),
    ("migrate", "reelhook.cli.serve:migrate", _RUNNING),
    ("move", "reelhook.cli.move:move", _RUNNING),
    ("hold", "reelhook.cli.hold:hold", _RUNNING),
    ("release", "reelhook.cli.hold:release", _RUNNING),
    ("rekey", "reelhook.cli.rekey:rekey", _RUNNING),
    ("doctor", "reelhook.cli.doctor:doctor", _RUNNING),
    ("settings", "reelhook.cli.configuration:settings", _RUNNING),
    ("version", "reelhook.cli.configuration:version", _RUNNING),
    ("publish", "reelhook.cli.publish:publish", _USING),
    ("trigger", "reelhook.cli.trigger:trigger", _USING),
    ("endpoints", "reelhook.cli.endpoints:endpoints", _USING),
    ("events", "reelhook.cli.events:events", _USING),
    ("deliveries", "reelhook.cli.deliveries:deliveries", _USING),
    ("explain", "reelhook.cli.explain:explain", _USING),
    ("tail", "reelhook.cli.tail:tail", _USING),
    ("tasks", "reelhook.cli.tasks:tasks", _USING),
    ("types", "reelhook.cli.types:types", _USING),
    ("apps", "reelhook.cli.apps:apps", _USING),
    ("token", "reelhook.cli.token:token", _USING),
    ("audit", "reelhook.cli.audit:audit", _USING),
    ("resend", "reelhook.cli.recover:resend", _MENDING),
    ("recover", "reelhook.cli.recover:recover", _MENDING),
    ("replay", "reelhook.cli.recover:replay", _MENDING),
    ("sign", "reelhook.cli.signature:sign", _SIGNING),
    ("verify", "reelhook.cli.signature:verify", _SIGNING),
)
"""Name, import path and group of the help."""


def build(*, whole: bool = True) -> App:
    """Put the program together; `whole` imports all commands, which the list of them needs for their descriptions."""
    app = App(
        name="reelhook",
        help="The webhook system for video platforms and media libraries.",
        help_epilogue=EXIT_CODES,
        help_format="plaintext",
        version=__version__,
    )
    for name, path, group in COMMANDS:
        app.command(path, name=name, group=group, help=_first_line(path) if whole else None)
    return app


def _first_line(path: str) -> str:
    """Return what a command says of itself in the list."""
    module, _, name = path.partition(":")
    found = getattr(importlib.import_module(module), name)
    said: str = (found.help if isinstance(found, App) else found.__doc__) or ""
    return said.partition("\n")[0]


def run(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code; whatever was wrong stands on stderr in one line."""
    try:
        named = bool(arguments) and not arguments[0].startswith("-")
        code = build(whole=not named)(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as wrong:
        note(f"reelhook: {_one_line(wrong)}")
        return Exit.USAGE
    except Stop as stop:
        note(f"reelhook: {stop.message}")
        return stop.code
    except ReelhookError as wrong:
        for line in wrong.detail.splitlines():
            note(f"reelhook: {line}")
        return of_error(wrong)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return int(code or 0)


def _one_line(wrong: CycloptsError) -> str:
    wrong.verbose = False
    return " ".join(str(wrong).split()) + " See --help."


def main() -> None:
    """Run the program and end the process."""
    try:
        code = run(sys.argv[1:])
    except BrokenPipeError:
        # The reader of our output has gone: be quiet, also when the interpreter flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.BROKEN_PIPE
    except Exception:  # noqa: BLE001 - the last line of defence: whatever nobody foresaw must not look like a plain "no"
        traceback.print_exc()
        code = Exit.DEFECT
    sys.exit(code)


if __name__ == "__main__":
    main()
