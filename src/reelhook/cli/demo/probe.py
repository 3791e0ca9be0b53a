"""Looks into a media file: what its own headers say, measured by MediaInfo, and the hash of its bytes."""

import hashlib
from pathlib import Path

from pymediainfo import MediaInfo

from reelhook.cli.demo.life import Measured


def probe(file: Path) -> Measured:
    """Return what a catalogue keeps of a video: name, format, MIME type, size, hash, width, height, duration (s).

    Raises:
        ValueError: there is no video in it.
    """
    found = MediaInfo.parse(str(file))
    if not found.video_tracks:
        raise ValueError(f"there is no video in {file.name}")
    whole, video = found.general_tracks[0], found.video_tracks[0]
    return {
        "name": file.name,
        "format": file.suffix.removeprefix("."),
        "mime_type": whole.internet_media_type or "video/mp4",
        "size": file.stat().st_size,
        "hash": "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest(),
        "width": video.width,
        "height": video.height,
        "duration": round(float(whole.duration) / 1000, 3),
        "bitrate": whole.overall_bit_rate,
    }
