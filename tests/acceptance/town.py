"""Several nodes on one PostgreSQL, as real processes, and who publishes to them."""

from collections.abc import Mapping
from pathlib import Path

from tests.support.program import Program

LEASE_SECONDS = 3
"""The shortest, so that a take-over is waited for no longer than it must be."""


def node(directory: Path, url: str, settings: Mapping[str, str] | None = None) -> Program:
    """Return a node, not started."""
    of_nodes = {
        "REELHOOK_DATABASE": url,
        "REELHOOK_SECRET_KEY": "a passphrase for the tests",
        "REELHOOK_LEASE": str(LEASE_SECONDS),
        **(settings or {}),
    }
    return Program(directory, settings=of_nodes)
