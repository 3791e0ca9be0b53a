"""Whose event it is: VIDIZMO's tenant is the app, unless the endpoint's options say what it was called there."""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from reelhook.dialects.vidizmo.subject import Document, number
from reelhook.model.endpoint import Endpoint

ID: Final = "tenant_id"
NAME: Final = "tenant_name"
URL: Final = "tenant_url"
OPTIONS: Final[dict[str, type]] = {ID: int, NAME: str, URL: str}


class Tenant(NamedTuple):
    """The tenant as JSON: in the event log, and in the documents that stand in `subjectDetail`."""

    plain: msgspec.Raw
    pascal: msgspec.Raw


def tenant_of(app_id: str, endpoint: Endpoint) -> Tenant:
    """Describe the tenant of an event."""
    options = endpoint.options
    if not options:
        return _written(app_id, None, None, None)
    return _written(app_id, options.get(ID), options.get(NAME), options.get(URL))


def pascal(document: Document) -> Document:
    """Write the names of fields as VIDIZMO's servers do within `subjectDetail`."""
    return {name[0].upper() + name[1:]: value for name, value in document.items()}


@lru_cache(maxsize=1024)
def _written(app_id: str, tenant_id: int | None, name: str | None, url: str | None) -> Tenant:
    tenant: dict[str, Any] = {
        "id": number(app_id) if tenant_id is None else tenant_id,
        "tenantName": app_id if name is None else name,
    }
    if url is not None:
        tenant["subDomainUrl"] = url
    return Tenant(msgspec.Raw(msgspec.json.encode(tenant)), msgspec.Raw(msgspec.json.encode(pascal(tenant))))
