"""What Reelhook sends, as OpenAPI `webhooks`: every built-in event in the default dialect."""

from typing import Any, Final

from reelhook.model.catalogue import BUILT_IN
from reelhook.model.event_type import EventType

_EXAMPLE_TIME: Final = "2026-11-21T06:30:00.000Z"
DELIVERY_HEADERS: Final = {
    "WebhookId": {
        "name": "webhook-id",
        "in": "header",
        "required": True,
        "description": "The event's id, the same on every attempt.",
        "schema": {"type": "string"},
    },
    "WebhookTimestamp": {
        "name": "webhook-timestamp",
        "in": "header",
        "required": True,
        "description": "Unix seconds of this attempt.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WebhookSignature": {
        "name": "webhook-signature",
        "in": "header",
        "required": True,
        "description": "Standard Webhooks 1.0.0: `v1,` and the base64 of an HMAC-SHA256, several separated by blanks.",
        "schema": {"type": "string"},
    },
}


def webhooks() -> dict[str, Any]:
    """Write one entry for each event type."""
    return {name: {"post": _delivery(event_type)} for name, event_type in BUILT_IN.items()}


def _delivery(event_type: EventType) -> dict[str, Any]:
    content = {"schema": envelope(event_type), "example": _example(event_type)}
    return {
        "operationId": f"on_{event_type.name.replace('.', '_')}",
        "tags": [event_type.category],
        "summary": event_type.description,
        "deprecated": event_type.deprecated,
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in DELIVERY_HEADERS],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "Received. Every other answer, and none in time, is a failure and is retried."},
            "410": {"description": "The endpoint is gone; it is disabled and nothing more is sent."},
        },
    }


def envelope(event_type: EventType) -> dict[str, Any]:
    """Write the schema of the body of a delivery."""
    schema = event_type.schema
    data = {key: value for key, value in schema.items() if key != "$schema"} if isinstance(schema, dict) else {}
    return {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": event_type.name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": data,
        },
    }


def _example(event_type: EventType) -> dict[str, Any]:
    return {"type": event_type.name, "timestamp": _EXAMPLE_TIME, "data": event_type.example}
