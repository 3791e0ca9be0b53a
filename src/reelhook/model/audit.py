"""The audit log: who changed what, and when."""

from typing import Any

import msgspec


class AuditEntry(msgspec.Struct, frozen=True):
    """One change: who (`actor` is a token's id or `system`), did what, to what; `change` never holds a secret."""

    id: int
    app_id: str
    at: int
    actor: str
    action: str
    target: str
    change: dict[str, Any] = {}
