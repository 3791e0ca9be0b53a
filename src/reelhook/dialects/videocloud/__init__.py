"""VideoCloud: a JSON envelope in camelCase, signed with a shared secret, managed through its own API."""

from reelhook.dialects.videocloud.dialect import VIDEOCLOUD

__all__ = ["VIDEOCLOUD"]
