"""Scaleflex: chosen details of an asset, posted when one of eight triggers fires; no signature, but credentials."""

from reelhook.dialects.scaleflex.dialect import SCALEFLEX

__all__ = ["SCALEFLEX"]
