"""The statements of the log, with the filters of each table put where `:filters` stands."""

import re
from typing import Final

from reelhook.store.statements import statements

_COMMENT: Final = re.compile(r"^--.*$", re.MULTILINE)
_FILTERS: Final = {"attempts": "attempt_filters", "deliveries": "delivery_filters", "events": "event_filters"}


def _complete() -> dict[str, str]:
    plain = {
        name: _COMMENT.sub("", text).strip().removesuffix(";") for name, text in statements("sqlite", "log").items()
    }
    fragments = {table: plain.pop(name) for table, name in _FILTERS.items()}
    return {name: text.replace(":filters", fragments.get(name.partition("_")[0], "")) for name, text in plain.items()}


LOG_SQL: Final = _complete()
"""By name; no fragment is left."""
