"""Makes a real video file: a colour gradient that drifts, and a box that moves, encoded by FFmpeg's libraries."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

WIDTH: Final = 640
HEIGHT: Final = 360
FRAMES_PER_SECOND: Final = 24
SECONDS: Final = 3
_BOX: Final = 64
_ENCODERS: Final = ("libx264", "libopenh264", "mpeg4")
"""H.264 where the build has it, else MPEG-4 part 2, which every build has."""


def make_video(file: Path) -> None:
    """Write an MP4 of a few seconds."""
    with av.open(str(file), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = _stream(container, WIDTH, HEIGHT)
        for frame in _frames():
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def make_rendition(source: Path, file: Path, height: int) -> None:
    """Transcode a video to a smaller height (even), as a video platform does after an upload."""
    with av.open(str(source)) as original, av.open(str(file), "w", format="mp4") as container:
        video = original.streams.video[0]
        width = round(video.width * height / video.height / 2) * 2
        stream = _stream(container, width, height)
        for frame in original.decode(video):
            container.mux(stream.encode(frame.reformat(width, height, "yuv420p")))
        container.mux(stream.encode())


def _stream(container: OutputContainer, width: int, height: int) -> VideoStream:
    encoder = next(name for name in _ENCODERS if name in av.codecs_available)
    stream = container.add_stream(encoder, rate=FRAMES_PER_SECOND)
    if not isinstance(stream, VideoStream):
        raise TypeError(f"{encoder} makes no video")
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    return stream


def _frames() -> Iterator[av.VideoFrame]:
    for number in range(FRAMES_PER_SECOND * SECONDS):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        luma, blue, red = frame.planes
        luma.update(_luma(number, luma.line_size))
        # Colour planes have half the width and height.
        blue.update(_slope(WIDTH // 2, HEIGHT // 2, blue.line_size, number))
        red.update(_slope(WIDTH // 2, HEIGHT // 2, red.line_size, 2 * number + 96))
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        yield frame


def _slope(width: int, height: int, line_size: int, shift: int) -> bytes:
    """Return a plane that rises slowly from left to right; lines are padded to what the library wants."""
    line = bytes(64 + (column // 4 + shift) % 128 for column in range(width)).ljust(line_size, b"\x80")
    return line * height


def _luma(number: int, line_size: int) -> bytes:
    """Return the brightness: a ramp from dark to light, and a white box that crosses it."""
    dark = bytes(32 + column * 160 // WIDTH for column in range(WIDTH))
    left = number * (WIDTH - _BOX) // (FRAMES_PER_SECOND * SECONDS)
    top = number * (HEIGHT - _BOX) // (FRAMES_PER_SECOND * SECONDS)
    boxed = dark[:left] + b"\xeb" * _BOX + dark[left + _BOX :]
    plain_line, box_line = dark.ljust(line_size, b"\x10"), boxed.ljust(line_size, b"\x10")
    return plain_line * top + box_line * _BOX + plain_line * (HEIGHT - _BOX - top)
