"""Reads a report from the standard input, and writes it as PDF to the standard output."""

import os
import sys
from typing import Final

from reelhook.report.frames import read_report
from reelhook.report.layout import lay_out

_NICENESS: Final = 10
"""Deliveries go first."""


def main() -> None:
    """Set one report."""
    os.nice(_NICENESS)
    sys.stdout.buffer.write(lay_out(read_report(sys.stdin.buffer)))


if __name__ == "__main__":
    main()
