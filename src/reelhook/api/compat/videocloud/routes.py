"""The routes of VideoCloud's webhooks API."""

from typing import Final

from reelhook.api.access import Access
from reelhook.api.compat.videocloud import webhooks
from reelhook.api.route import Route
from reelhook.model.access import Role, Scope

_ALL: Final = "/compat/videocloud/webhooks"
_ONE: Final = f"{_ALL}/{{id}}"
_READ: Final = Access(Role.VIEWER, Scope.ENDPOINTS_READ)
_MANAGE: Final = Access(Role.MANAGER, Scope.ENDPOINTS_WRITE)

VIDEOCLOUD_ROUTES: Final = (
    Route("GET", _ALL, webhooks.index, _READ, "List webhooks"),
    Route("POST", _ALL, webhooks.register, _MANAGE, "Register a webhook", 201, once=True),
    Route("PUT", _ONE, webhooks.update, _MANAGE, "Update a webhook"),
    Route("DELETE", _ONE, webhooks.remove, _MANAGE, "Delete a webhook"),
)
