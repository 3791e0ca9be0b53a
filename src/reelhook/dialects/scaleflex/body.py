"""What Scaleflex sends of an asset: the fields that its kind has and the endpoint has chosen, and what changed."""

from collections.abc import Collection
from typing import Any

from reelhook.dialects.media import Media, foreign_id
from reelhook.dialects.scaleflex.names import (
    BESIDE_SYSTEM,
    CHANGE,
    FIELDS,
    FILE,
    GROUPS,
    OF_KIND,
    SYSTEM,
    SYSTEM_GROUP,
    UNASKED_GROUPS,
    Fields,
)
from reelhook.model.endpoint import Payload

Data = dict[str, Any]


def file_of(media: Media, payload: Payload) -> Data:
    """Return the chosen details of the asset; what is absent, or not for its kind, is left out."""
    asset = media.asset
    unasked = not payload.fields and not payload.groups
    file = _fields(asset, FIELDS if unasked else payload.fields)
    for group in UNASKED_GROUPS if unasked else payload.groups:
        package = _package(asset, group)
        if package is not None:
            file[group] = package
    return file


def changes_of(media: Media) -> list[Data]:
    """Return what changed, each as it was posted."""
    return [{key: change[key] for key in CHANGE if key in change} for change in media.changes()]


def _fields(asset: Data, chosen: Collection[str]) -> Data:
    values = {theirs: asset.get(ours) for theirs, ours in fields_of(asset).items() if theirs in chosen}
    if "uuid" in values:
        values["uuid"] = foreign_id(asset, SYSTEM)
    if "playlist_url" in values:
        values["playlist_url"] = _playlist(values["playlist_url"])
    return {name: value for name, value in values.items() if value is not None}


def fields_of(asset: Data) -> Fields:
    """Return the fields that an asset of this kind has. Where nobody says its kind, its media type tells; without
    either, it has whatever was posted of it.
    """
    kind = asset.get("kind") or asset.get("mime_type")
    if kind is None:
        return FIELDS
    return OF_KIND.get(kind.partition("/")[0].lower(), FILE) if isinstance(kind, str) else FILE


def _playlist(playlists: Any) -> Any:
    if not isinstance(playlists, dict):
        return None
    hls = playlists.get("hls")
    return playlists.get("dash") if hls is None else hls


def _package(asset: Data, group: str) -> Data | None:
    metadata = asset.get("metadata")
    package = metadata.get(GROUPS[group]) if isinstance(metadata, dict) else None
    package = package if isinstance(package, dict) else None
    if group != SYSTEM_GROUP:
        return package
    beside = {name: asset[name] for name in BESIDE_SYSTEM if asset.get(name) is not None}
    return None if package is None and not beside else (package or {}) | beside
