"""The routes of Vimeo's webhooks API."""

from typing import Any, Final

from reelhook.api.compat.vimeo import webhooks
from reelhook.api.compat.vimeo.access import DELETE, EDIT, READ
from reelhook.api.compat.vimeo.document import MEDIA_TYPE
from reelhook.api.compat.vimeo.form import VimeoWebhookInput
from reelhook.api.compat.vimeo.root import BASE
from reelhook.api.route import Route

_ALL: Final = f"{BASE}/apps/{{app_id}}/webhooks"
_ONE: Final = f"{_ALL}/{{webhook_id}}"
_VIMEO: Final[dict[str, Any]] = {"media_type": MEDIA_TYPE}
_NEW: Final[dict[str, Any]] = {"takes": VimeoWebhookInput, "once": True, **_VIMEO}

VIMEO_ROUTES: Final = (
    Route("GET", _ALL, webhooks.index, READ, "List an app's webhooks", **_VIMEO),
    Route("POST", _ALL, webhooks.create, EDIT, "Create a webhook", 201, **_NEW),
    Route("GET", _ONE, webhooks.read, READ, "Read a webhook", **_VIMEO),
    Route("PATCH", _ONE, webhooks.change, EDIT, "Change a webhook", **_VIMEO),
    Route("DELETE", _ONE, webhooks.remove, DELETE, "Delete a webhook", 204, **_VIMEO),
)
