"""The process that sets reports: it gets the rows as they are read, so that nobody else holds them all."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Self

from reelhook.report.frames import frame
from reelhook.report.model import Report, Row

COMMAND: Final = ("-P", "-m", "reelhook.report")


class ReportFailed(Exception):
    """The process ended without a report; what it said is the message."""


class ReportProcess:
    """One report on its way: `async with ReportProcess() as process`, rows in parts, then the report around them."""

    def __init__(self) -> None:
        self._process: Process

    async def __aenter__(self) -> Self:
        # It needs to find this package and nothing else: no settings, no secrets.
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *COMMAND, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def add(self, rows: Sequence[Row]) -> None:
        """Hand over some rows."""
        await self._write(frame(rows))

    async def finish(self, report: Report) -> bytes:
        """Hand over the report, whose rows are those that were added, and return it as PDF.

        Raises:
            ReportFailed: there is none.
        """
        await self._write(frame(report))
        if self._process.stdin is not None:
            self._process.stdin.close()
        file, said = await self._process.communicate()
        if self._process.returncode:
            raise ReportFailed(said.decode(errors="replace")[-2000:] or f"exit code {self._process.returncode}")
        return file

    async def _write(self, data: bytes) -> None:
        # A process that has ended says why when it is asked for its report.
        with suppress(BrokenPipeError, ConnectionResetError):
            if self._process.stdin is not None:
                self._process.stdin.write(data)
                await self._process.stdin.drain()
