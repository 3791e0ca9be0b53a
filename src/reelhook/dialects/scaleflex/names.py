"""Scaleflex's names for its triggers and for what may be sent of an asset, each with ours."""

from collections.abc import Mapping
from typing import Final

from reelhook.dialects.translation import Translation

NAMES: Final = Translation(
    {
        "on_upload": ("asset.uploaded",),
        "on_move": ("asset.moved",),
        "on_rename": ("asset.renamed",),
        "on_delete": ("asset.deleted",),
        "on_change_meta": ("asset.metadata_changed",),
        "on_change_info": ("asset.info_changed",),
        "on_change_tag": ("asset.tags_changed",),
        "on_change_label": ("asset.labels_changed",),
    },
    fallbacks={"asset.created": "on_upload"},
)

SYSTEM: Final = "scaleflex"
"""Its name in `ids`."""

TELL_CHANGES: Final = frozenset(NAMES.names) - {"on_upload", "on_delete"}
"""The triggers that say what changed even where nothing is known of it; the others where it is."""

Fields = dict[str, str]

FILE: Final[Fields] = {
    "name": "name",
    "size": "size",
    "path": "path",
    "mime_type": "mime_type",
    "cdn_link": "cdn_url",
    "uuid": "id",
}
"""Of every asset."""
IMAGE: Final[Fields] = {"width": "width", "height": "height"}
VIDEO: Final[Fields] = IMAGE | {"length": "duration", "bitrate": "bitrate", "playlist_url": "playlists"}

FIELDS: Final[Fields] = FILE | VIDEO
OF_KIND: Final[Mapping[str, Fields]] = {"video": FIELDS, "image": FILE | IMAGE}
"""The fields of an asset by its kind; any other kind has those of every asset."""

SYSTEM_GROUP: Final = "system_metadata"
GROUPS: Final[Fields] = {SYSTEM_GROUP: "system", "custom_metadata": "custom", "embedded_metadata": "embedded"}
"""The packages of metadata, each with its part of `metadata`."""
BESIDE_SYSTEM: Final = ("hash", "labels")
"""What of an asset goes with the system's metadata."""
UNASKED_GROUPS: Final = (SYSTEM_GROUP, "custom_metadata")
"""What goes out when nothing is chosen: embedded metadata can be large and private."""
CHANGE: Final = ("field", "from", "to")
"""What one change says."""
