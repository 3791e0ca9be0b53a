"""Scarcity: how few permits are left, and who gets them then."""

from enum import Enum


class Scarcity(Enum):
    """How few permits are left for all: then they go to endpoints that give them back soon, so that those which answer
    slowly, however many there are, never take all of them.
    """

    NONE = "enough for everybody"
    SOME = "enough for quick endpoints, and one for each other"
    DIRE = "for endpoints that have shown that they are quick"
