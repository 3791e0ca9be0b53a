"""The statements that read the log."""

from typing import Final

from reelhook.store.statements import statements

LOG_SQL: Final = statements("log")
"""By name."""
