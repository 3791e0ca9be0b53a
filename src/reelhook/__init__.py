"""Reelhook: the webhook system for video platforms and media libraries."""

__version__ = "0.1.0"
