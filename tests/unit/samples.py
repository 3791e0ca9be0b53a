"""Values that tests of pure rules begin with."""

from typing import Any

from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event
from reelhook.model.secret import Secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
NOW = 1_763_706_600_123


def an_event(data: bytes = b'{"asset":{"id":"ast_1"}}', event_type: str = "asset.created", **more: Any) -> Event:
    return Event(**{"id": 5, "app_id": "default", "type": event_type, "data": data} | _times() | more)


def an_endpoint(**more: Any) -> Endpoint:
    basics = {"id": 1, "app_id": "default", "version": 1, "url": "https://hooks.example.com/in?x=1"}
    return Endpoint(**basics | {"created_at": NOW, "updated_at": NOW, "secret": Secret(SECRET)} | more)


def _times() -> dict[str, int]:
    return {"occurred_at": NOW, "accepted_at": NOW}
