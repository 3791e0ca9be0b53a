"""Payload selection: which parts of an event's data a body carries.

The values that are kept are copied as the text that was posted, never decoded and encoded again, so no number loses a
digit and no escape is rewritten. Only the objects on the way to a chosen field are taken apart.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from reelhook.dialects.dialect import ALL_LINKS, Carried
from reelhook.errors import FieldError
from reelhook.model.endpoint import Payload

GROUPS: Final = {
    "system_metadata": ("asset.metadata.system", "asset.hash", "asset.labels"),
    "custom_metadata": ("asset.metadata.custom",),
    "embedded_metadata": ("asset.metadata.embedded",),
}
"""The groups of fields, each with the paths that it stands for."""
EMBEDDED: Final = ("asset", "metadata", "embedded")
"""Left out unless it is chosen: what a camera or an editor wrote into the file can be large and private."""
ALL: Final = "*"
URL: Final = "url"
"""What an item stands for that is a text instead of an object: a thumbnail may be written as its address alone."""
MOST_PATHS: Final = 100
DEEPEST: Final = 10

_WITH_URL: Final = frozenset({"asset", "asset.url"})
_WITH_THUMBNAILS: Final = frozenset({"asset", "asset.thumbnails", "asset.thumbnails.url"})
_PATH: Final = re.compile(r"[^.\s\x00-\x1f]{1,128}(?:\.[^.\s\x00-\x1f]{1,128})*\Z")
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])

Tree = dict[str, "Tree | None"]
"""The chosen names at one level, each with those below it; None takes everything below."""


def check_payload(payload: Payload) -> list[FieldError]:
    """Say which fields and groups cannot be chosen."""
    errors = [
        FieldError(
            f"{path[:60]!r} is no path: write names joined by dots, such as asset.title", f"/payload/fields/{at}"
        )
        for at, path in enumerate(payload.fields)
        if not _PATH.match(path) or path.count(".") >= DEEPEST
    ]
    if len(payload.fields) > MOST_PATHS:
        errors.append(FieldError(f"at most {MOST_PATHS} fields can be chosen", "/payload/fields"))
    errors += [
        FieldError(f"{group[:60]!r} is no group: there are {', '.join(GROUPS)}", f"/payload/groups/{at}")
        for at, group in enumerate(payload.groups)
        if group not in GROUPS
    ]
    return errors


def select(data: bytes, payload: Payload) -> bytes:
    """Return the part of the data that the payload chooses; the very same bytes where nothing has to go.

    A path takes all that lies below it and reaches into the items of lists; `*` takes everything. Data that are no
    object have no fields: with a choice, `{}` remains of them.

    Raises:
        msgspec.MsgspecError: the data are not JSON.
    """
    if not payload.fields and not payload.groups:
        return without_embedded(data)
    if ALL in payload.fields:
        return data
    chosen = [*payload.fields, *(path for group in payload.groups for path in GROUPS[group])]
    return _pick(data, _tree(chosen)) or b"{}"


def links_in(payload: Payload) -> Carried:
    """Return which links are among what the payload chooses."""
    fields = payload.fields
    if ALL in fields or not (fields or payload.groups):
        return ALL_LINKS
    return Carried(not _WITH_URL.isdisjoint(fields), 0 if _WITH_THUMBNAILS.isdisjoint(fields) else None)


def without_embedded(data: bytes) -> bytes:
    """Return the data without the asset's embedded metadata; the very same bytes when there are none."""
    # The word can stand there plainly or with letters escaped; all of its letters lie in U+0060 to U+006F.
    if b'"embedded"' not in data and b"\\u006" not in data:
        return data
    return _drop(data, EMBEDDED) or data


def _tree(paths: Iterable[str]) -> Tree:
    root: Tree = {}
    for path in sorted(paths, key=len):  # a shorter path takes all that a longer one would choose below it
        _grow(root, path.split("."))
    return root


def _grow(tree: Tree, names: list[str]) -> None:
    name, *below = names
    if not below:
        tree[name] = None
        return
    branch = tree.setdefault(name, {})
    if branch is not None:
        _grow(branch, below)


def _pick(raw: bytes, tree: Tree) -> bytes | None:
    """Return the chosen parts of an object or a list of objects; None of anything else."""
    match raw.lstrip()[:1]:
        case b"{":
            return _write(_chosen(_OBJECT.decode(raw), tree))
        case b"[":
            items = [part for item in _LIST.decode(raw) if (part := _item(bytes(item), tree)) is not None]
            return b"[" + b",".join(items) + b"]"
        case _:
            return None


def _item(raw: bytes, tree: Tree) -> bytes | None:
    """Return the chosen parts of an item of a list; a text is the `url` of what it stands for."""
    if raw.lstrip()[:1] == b'"':
        return raw if URL in tree and tree[URL] is None else None
    return _pick(raw, tree)


def _chosen(fields: dict[str, msgspec.Raw], tree: Tree) -> dict[str, bytes]:
    kept = {}
    for name, raw in fields.items():
        if name in tree:
            below = tree[name]
            part = bytes(raw) if below is None else _pick(bytes(raw), below)
            if part is not None:
                kept[name] = part
    return kept


def _drop(raw: bytes, path: tuple[str, ...]) -> bytes | None:
    """Return an object without what lies at the path; None when nothing lies there."""
    if raw.lstrip()[:1] != b"{":
        return None
    fields = {name: bytes(value) for name, value in _OBJECT.decode(raw).items()}
    name, *below = path
    if name not in fields:
        return None
    if not below:
        del fields[name]
        return _write(fields)
    inner = _drop(fields[name], tuple(below))
    return None if inner is None else _write(fields | {name: inner})


def _write(fields: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(msgspec.json.encode(name) + b":" + raw for name, raw in fields.items()) + b"}"
