"""Vimeo: one event an endpoint, a small body that names the video, a hex signature, a quota for each account."""

from reelhook.dialects.vimeo.dialect import VIMEO

__all__ = ["VIMEO"]
