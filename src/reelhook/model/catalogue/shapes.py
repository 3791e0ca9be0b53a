"""JSON Schemas of the parts that the data of events are made of; each part has one shape wherever it appears."""

from typing import Any, Final

Schema = dict[str, Any]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def text(description: str) -> Schema:
    """Describe a string."""
    return {"type": "string", "description": description}


def whole(description: str) -> Schema:
    """Describe a whole number of 0 or more."""
    return {"type": "integer", "minimum": 0, "description": description}


def number(description: str) -> Schema:
    """Describe a number of 0 or more."""
    return {"type": "number", "minimum": 0, "description": description}


def link(description: str) -> Schema:
    """Describe a URL."""
    return {"type": "string", "format": "uri-reference", "description": description}


def moment(description: str) -> Schema:
    """Describe a time."""
    return {"type": "string", "format": "date-time", "description": f"{description} (RFC 3339)"}


def words(description: str) -> Schema:
    """Describe a list of strings."""
    return {"type": "array", "items": {"type": "string"}, "description": description}


def thing(properties: Schema, required: tuple[str, ...] = (), description: str = "") -> Schema:
    """Describe an object; properties beyond the named ones are let through."""
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    if description:
        schema["description"] = description
    return schema


def identifier(description: str) -> Schema:
    """Describe an id: text, or a number where the platform counts."""
    return {"type": ["string", "integer"], "description": description}


def nullable(schema: Schema) -> Schema:
    """Let null through as well."""
    return schema | {"type": [schema["type"], "null"]}


IDS: Final = {
    "type": "object",
    "additionalProperties": {"type": ["string", "integer"]},
    "description": "The id in other systems, by the system's name",
}

RENDITION: Final = thing(
    {
        "quality": text("Such as 1080p"),
        "url": link("Where the file is"),
        "size": whole("Bytes"),
        "width": whole("Pixels"),
        "height": whole("Pixels"),
    }
)

THUMBNAIL: Final = {
    "anyOf": [
        {"type": "string", "format": "uri-reference"},
        thing(
            {
                "url": link("Where the picture is"),
                "width": whole("Pixels"),
                "height": whole("Pixels"),
                "expires_at": moment("When the link stops to work"),
            },
            ("url",),
        ),
    ]
}

ASSET: Final = thing(
    {
        "id": identifier("The asset's id in the publishing system"),
        "kind": {"enum": ["video", "image", "audio", "document", "live", "draft"], "description": "What it is"},
        "title": text("Its title"),
        "description": text("Its description"),
        "path": text("The folder and file name in the library"),
        "name": text("The file name"),
        "format": text("The container or file format"),
        "size": whole("Bytes"),
        "hash": text("A hash of the file's content"),
        "mime_type": text("The media type"),
        "width": whole("Pixels"),
        "height": whole("Pixels"),
        "duration": number("Seconds"),
        "bitrate": number("Bits per second"),
        "processing_time": number("Seconds that processing took"),
        "renditions": {"type": "array", "items": RENDITION, "description": "The files it can be played from"},
        "playlists": thing({"hls": link("HLS playlist"), "dash": link("DASH manifest")}),
        "thumbnails": {"type": "array", "items": THUMBNAIL, "description": "Pictures, or plain links to them"},
        "url": link("Where the original file is"),
        "url_expires_at": moment("When that link stops to work"),
        "cdn_url": link("Where the delivery network has it"),
        "tags": words("Tags"),
        "labels": words("Labels"),
        "status": text("Where it is in the platform's own life cycle"),
        "version": {"type": ["integer", "string"], "description": "The version of the file"},
        "context": {"description": "What the customer gave along to find it again"},
        "user_id": identifier("Who owns or uploaded it"),
        "metadata": thing(
            {
                "system": {"type": "object", "description": "What the system knows of it"},
                "custom": {"type": "object", "description": "The customer's own fields"},
                "embedded": {"type": "object", "description": "What is written in the file (EXIF, XMP, IPTC)"},
            }
        ),
        "ids": IDS,
    },
    ("id",),
    "The asset that the event is about",
)

CHANGES: Final = {
    "type": "array",
    "items": thing(
        {
            "field": text("The field, such as title or metadata.custom.status"),
            "from": {"description": "Its value before"},
            "to": {"description": "Its value now"},
        },
        ("field",),
    ),
    "description": "What changed",
}

PARTS: Final[dict[str, Schema]] = {
    "asset": ASSET,
    "changes": CHANGES,
    "live": thing({"id": identifier("The live event's id"), "ids": IDS}, description="The live event"),
    "transcript": thing({"status": text("completed or failed"), "language": text("BCP 47")}),
    "scan": thing({"result": text("What the scan found")}),
    "clip": thing({"id": identifier("The clip's asset id"), "start": number("Seconds"), "end": number("Seconds")}),
    "share": thing({"channel": text("Where it was shared"), "url": link("The shared link")}),
    "view": thing({"position": number("Seconds into the asset"), "watched": number("Seconds watched")}),
    "user": thing(
        {
            "id": identifier("The user's id"),
            "email": text("E-mail address"),
            "username": text("Login name"),
            "first_name": text("First name"),
            "last_name": text("Last name"),
            "registration_method": text("How the account was made"),
        },
        description="Who did it, or who the event is about",
    ),
    "comment": thing(
        {
            "id": identifier("The comment's id"),
            "content": text("Its text"),
            "parent_id": {"type": ["string", "integer", "null"], "description": "The comment that it answers"},
            "created_at": moment("When it was written"),
        },
        ("id",),
    ),
    "attribute": thing({"id": identifier("The attribute's id"), "name": text("Its name"), "type": text("Its type")}),
    "category": thing({"id": identifier("The category's id"), "name": text("Its name")}),
    "workflow": thing({"id": identifier("The workflow's id"), "name": text("Its name")}, ("id",)),
    "error": thing({"code": {"type": ["string", "integer"]}, "message": text("What went wrong")}, ("message",)),
}
"""What may stand in `data`, by name."""
