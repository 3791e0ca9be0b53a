"""VIDIZMO: the flat event-log object, unsigned; endpoints that pass a test first, and stop at an error that lasts."""

from reelhook.dialects.vidizmo.dialect import VIDIZMO

__all__ = ["VIDIZMO"]
