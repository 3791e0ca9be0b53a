"""The APIs that there are, and which of them a path belongs to."""

from typing import Final

from reelhook.api.compat.videocloud.manner import VIDEOCLOUD
from reelhook.api.compat.vimeo.manner import VIMEO
from reelhook.api.manner import Manner
from reelhook.api.native import NATIVE

MANNERS: Final[tuple[Manner, ...]] = (VIMEO, VIDEOCLOUD, NATIVE)
"""Every manner, the one that takes all other paths last."""


def manner_of(path: str) -> Manner:
    """Return the manner of the API that a path belongs to."""
    return next(manner for manner in MANNERS if any(_is_below(path, prefix) for prefix in manner.prefixes))


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/") or not prefix
