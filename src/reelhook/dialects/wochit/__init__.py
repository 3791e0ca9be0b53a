"""Wochit: flat bodies without a signature, for videos that end-users make and for their drafts."""

from reelhook.dialects.wochit.dialect import WOCHIT

__all__ = ["WOCHIT"]
