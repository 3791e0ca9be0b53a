"""The life of a video as a platform would tell it: the events, in order, made from what was measured of the files."""

from collections.abc import Iterator
from typing import Any, Final

ASSET_ID: Final = "ast_first_light"
TITLE: Final = "First light"
NEW_TITLE: Final = "First light over the fjord"

Step = tuple[str, dict[str, Any]]
"""An event type and its data."""
Measured = dict[str, Any]
"""The fields of an asset that can be measured, under the names of the event catalogue."""


def life(original: Measured, rendition: Measured, processing_time: float) -> Iterator[Step]:
    """Tell it, from the first trace in the library to the deletion; `processing_time` is seconds."""
    asset: dict[str, Any] = {"id": ASSET_ID, "kind": "video", "title": TITLE, "path": f"/films/{original['name']}"}
    custom = {"status": "in review"}
    yield "asset.created", {"asset": asset | {"name": original["name"], "status": "created"}}
    asset |= original
    yield "asset.uploaded", {"asset": asset | {"status": "processing", "version": 1}}
    asset |= {"renditions": [_rendition(rendition)], "processing_time": round(processing_time, 3)}
    yield "asset.processed", {"asset": asset | {"status": "ready"}}
    yield "asset.published", {"asset": asset | {"status": "published", "tags": ["fjord", "morning"]}}
    changes = [
        {"field": "title", "from": TITLE, "to": NEW_TITLE},
        {"field": "metadata.custom.status", "from": "in review", "to": "approved"},
    ]
    asset |= {"title": NEW_TITLE, "metadata": {"custom": custom | {"status": "approved"}}}
    yield "asset.metadata_changed", {"asset": asset, "changes": changes}
    yield "asset.deleted", {"asset": {"id": ASSET_ID, "kind": "video", "title": NEW_TITLE, "path": asset["path"]}}


def _rendition(file: Measured) -> dict[str, Any]:
    kept = {name: file[name] for name in ("size", "width", "height")}
    return {"quality": f"{file['height']}p"} | kept
