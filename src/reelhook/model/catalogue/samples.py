"""One coherent story for the examples: a short film in a library, its viewers, and the event that streamed it."""

from typing import Any, Final

Sample = dict[str, Any]

_CDN: Final = "https://cdn.example.com/aurora"

VIDEO: Final[Sample] = {
    "id": "ast_019a3f6c2b7d0001",
    "kind": "video",
    "title": "Aurora over Tromsø",
    "description": "Four minutes of northern lights, filmed in one night.",
    "path": "/films/2026/aurora.mp4",
    "name": "aurora.mp4",
    "format": "mp4",
    "size": 184549376,
    "hash": "sha256:9f2c1a8e7d5b4c3f2e1d0c9b8a7f6e5d4c3b2a190817263544f5e6d7c8b9a0f1",
    "mime_type": "video/mp4",
    "width": 3840,
    "height": 2160,
    "duration": 244.52,
    "bitrate": 6037000,
    "tags": ["aurora", "norway"],
    "labels": ["approved"],
    "status": "ready",
    "version": 1,
    "user_id": "usr_1024",
    "metadata": {"system": {"camera": "FX3"}, "custom": {"status": "in review", "rights_until": "2028-12-31"}},
    "ids": {"vimeo": "456789123", "scaleflex": "0c1d7f2e-5b4a-4c3d-9e8f-7a6b5c4d3e2f"},
}

RENDITIONS: Final = [
    {"quality": "1080p", "url": f"{_CDN}/1080.mp4", "size": 61865984, "width": 1920, "height": 1080},
    {"quality": "720p", "url": f"{_CDN}/720.mp4", "size": 30408704, "width": 1280, "height": 720},
]
PLAYLISTS: Final = {"hls": f"{_CDN}/master.m3u8", "dash": f"{_CDN}/manifest.mpd"}
THUMBNAILS: Final = [
    {"url": f"{_CDN}/thumb-1280.jpg", "width": 1280, "height": 720, "expires_at": "2026-11-22T06:30:00Z"},
    {"url": f"{_CDN}/thumb-640.jpg", "width": 640, "height": 360, "expires_at": "2026-11-22T06:30:00Z"},
]
DELIVERED: Final = {
    "renditions": RENDITIONS,
    "playlists": PLAYLISTS,
    "thumbnails": THUMBNAILS,
    "url": f"{_CDN}/original.mp4?token=8d1f",
    "url_expires_at": "2026-11-22T06:30:00Z",
    "cdn_url": f"{_CDN}/original.mp4",
    "processing_time": 87.4,
}

STREAM: Final[Sample] = {
    "id": "ast_019a3f6c2b7d0042",
    "kind": "live",
    "title": "Annual conference, keynote",
    "status": "live",
    "ids": {"vimeo": "987654321"},
}
LIVE: Final[Sample] = {"id": "lev_2026_keynote", "ids": {"vimeo": "1122334"}}

DRAFT_VIDEO: Final[Sample] = {
    "id": "ast_019a3f6c2b7d0077",
    "kind": "draft",
    "title": "Aurora, social cut",
    "thumbnails": [f"{_CDN}/draft-77.jpg"],
    "context": "campaign-2026-winter",
    "ids": {"wochit": "63f5c0a1e4b0a1b2c3d4e5f6"},
}

VIEWER: Final[Sample] = {
    "id": "usr_2048",
    "email": "ida@example.com",
    "username": "ida",
    "first_name": "Ida",
    "last_name": "Nilsen",
}

COMMENT: Final[Sample] = {
    "id": "cmt_512",
    "content": "The green band at 1:20 is stunning.",
    "parent_id": None,
    "created_at": "2026-11-21T06:30:00Z",
}


def video(*fields: str, **more: Any) -> Sample:
    """Return the video's id, kind and title with the named fields of it, and whatever else is given."""
    return {name: VIDEO[name] for name in ("id", "kind", "title", *fields)} | more


def change(field: str, before: Any, now: Any) -> Sample:
    """Return one entry of `changes`."""
    return {"field": field, "from": before, "to": now}
