"""The audit log: who changed what, and when."""

from typing import Any

import msgspec

from reelhook.api.exchange import Call
from reelhook.api.lists import Listing, PageQuery, Time, listing
from reelhook.model import ids
from reelhook.model.audit import AuditEntry
from reelhook.model.instant import show_time


class AuditDocument(msgspec.Struct):
    """One change; `actor` is a token's id or `system`, `change` holds no secret."""

    id: str
    at: Time
    actor: str
    action: str
    target: str
    change: dict[str, Any]


async def index(call: Call, query: PageQuery) -> Listing[AuditDocument]:
    """List the changes of the app, newest first."""
    return listing(await call.services.audit.page(call.app_id, query.cursor, query.limit), _show)


def _show(entry: AuditEntry) -> AuditDocument:
    number = ids.show("aud", entry.id)
    return AuditDocument(number, show_time(entry.at), entry.actor, entry.action, entry.target, entry.change)
