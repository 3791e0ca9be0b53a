"""Events about what people do with assets."""

from typing import Any, Final

from reelhook.model.catalogue.entry import media_type
from reelhook.model.catalogue.samples import COMMENT, VIEWER, change, video
from reelhook.model.event_type import EventType


def _by_viewer(name: str, description: str, needs: tuple[str, ...] = ("asset",), **more: Any) -> EventType:
    example = {"asset": video("ids"), "user": VIEWER} | more
    return media_type(f"engagement.{name}", description, example, needs=needs)


TYPES: Final[tuple[EventType, ...]] = (
    _by_viewer("viewed", "Somebody watched the asset.", view={"position": 0.0, "watched": 244.5}),
    _by_viewer("liked", "Somebody likes the asset."),
    _by_viewer("unliked", "Somebody took a like back."),
    _by_viewer("commented", "Somebody commented on the asset.", ("asset", "comment"), comment=COMMENT),
    _by_viewer(
        "comment_updated",
        "A comment was changed.",
        ("asset", "comment"),
        comment=COMMENT,
        changes=[change("content", "Stunning.", COMMENT["content"])],
    ),
    _by_viewer("comment_deleted", "A comment was deleted.", ("asset", "comment"), comment={"id": COMMENT["id"]}),
    _by_viewer("favorited", "Somebody made the asset a favourite."),
    _by_viewer("unfavorited", "The asset is no longer somebody's favourite."),
    _by_viewer(
        "shared",
        "Somebody shared the asset.",
        share={"channel": "link", "url": "https://media.example.com/v/aurora"},
    ),
    _by_viewer(
        "clipped",
        "Somebody made a clip of the asset.",
        clip={"id": "ast_019a3f6c2b7d0003", "start": 80.0, "end": 95.0},
    ),
)
