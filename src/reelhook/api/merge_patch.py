"""JSON merge-patch (RFC 7396): what is given replaces, null takes away, objects are merged."""

from collections.abc import Mapping
from typing import Any


def merge_patch(target: Any, patch: Any) -> Any:
    """Return the target with the patch applied; neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def merge_tagged(target: Any, patch: Any, tag: str) -> Any:
    """Merge like `merge_patch`, but where the patch names another kind of thing it replaces the whole: the fields of
    the old kind have no meaning in the new.
    """
    if (
        isinstance(target, Mapping)
        and isinstance(patch, Mapping)
        and patch.get(tag, target.get(tag)) != target.get(tag)
    ):
        return merge_patch({}, patch)
    return merge_patch(target, patch)
