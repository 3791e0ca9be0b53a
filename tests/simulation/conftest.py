"""Where the simulated worlds keep their files."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")  # noqa: S108 - only a folder of our own below it is used


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder in memory where the system has such a place: thousands of commits are flushed."""
    with tempfile.TemporaryDirectory(prefix="reelhook-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as ours:
        yield Path(ours)
