"""Frozen values and their rules: what exists, which states it may be in. No I/O."""
