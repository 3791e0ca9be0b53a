"""A value that must not be shown: its `repr` and `str` are masked, so that it cannot slip into a log or a message."""

import hmac
from typing import Final

MASK: Final = "***"
"""What stands for a secret wherever it is not shown; sent back by a client, it keeps the stored value."""


class Secret:
    """Holds one secret text; ask `reveal()` for it, on purpose and in one place."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)
