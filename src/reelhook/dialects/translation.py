"""Translation: one system's names for the canonical events, and back, as data."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

CHANGES: Final = (
    "asset.updated",
    "asset.metadata_changed",
    "asset.info_changed",
    "asset.tags_changed",
    "asset.labels_changed",
    "asset.moved",
    "asset.renamed",
)
"""Every kind of change of an asset, the general word first: what systems say with a single name."""
_LIVE: Final = "live."
"""What happens to a live event happens as often as it is told: a pause is neither its end nor a viewer who joins."""


class Translation:
    """The names of one system.

    `spoken` has for each of its names the canonical types that it says, the one that it is the plain word for first:
    that one is what the name means when we receive it, and what an endpoint gets where one change was posted as
    several of them. `fallbacks` adds, outbound only, names for canonical types that the system has no word for.
    `aliases` are further names that endpoints may subscribe to, each with the name that it stands for. `unsaid` are
    names of the system that no canonical type leads to: endpoints may subscribe to them, nothing is sent for them.
    `shared` has the types that bear their name together with others and may be told of one change; those of live
    events never are.
    """

    def __init__(
        self,
        spoken: Mapping[str, Sequence[str]],
        fallbacks: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
        unsaid: Sequence[str] = (),
    ) -> None:
        self._aliases: Final = dict(aliases or {})
        self._canonical: Final = {name: types[0] for name, types in spoken.items()}
        self._canonical.update((alias, self._canonical[name]) for alias, name in self._aliases.items())
        self._names: Final = {one: name for name, types in spoken.items() for one in types}
        self._ranks: Final = {one: rank for types in spoken.values() for rank, one in enumerate(types)}
        self._specific: Final = frozenset(one for types in spoken.values() for one in types[1:])
        for one, name in (fallbacks or {}).items():
            self._names.setdefault(one, name)
            self._ranks.setdefault(one, len(spoken.get(name, ())))
        said = Counter(self._names.values())
        self.shared: Final = frozenset(
            one for one, name in self._names.items() if said[name] > 1 and not one.startswith(_LIVE)
        )
        self.names: Final = tuple(dict.fromkeys([*self._names.values(), *self._aliases, *unsaid]))

    def name_of(self, event_type: str, subscribed: Sequence[str] = ()) -> str | None:
        """Return the system's name of a canonical type; the alias, where an endpoint subscribed to that instead."""
        name = self._names.get(event_type)
        if name is None or not self._aliases:
            return name
        for entry in subscribed:
            if entry == name:
                return name
            if self._aliases.get(entry) == name:
                return entry
        return name

    def canonical(self, name: str) -> str | None:
        """Return the canonical type that a name of the system means; None for an unknown one."""
        return self._canonical.get(name)

    def plain(self, name: str) -> str:
        """Return the name that an alias stands for; any other as it is."""
        return self._aliases.get(name, name)

    def rank(self, event_type: str) -> int:
        """Return the place of a canonical type among those that share its name, 0 for the preferred one."""
        return self._ranks.get(event_type, 0)

    def repeats(self, one: str, other: str) -> bool:
        """Tell whether two types of one name may be one change: one of them is the plain word or stands in for it. Two
        specific ones, such as a move and a new name, are two changes.
        """
        return one != other and not (one in self._specific and other in self._specific)

    def types(self) -> tuple[str, ...]:
        """Return every canonical type that the system can be told of."""
        return tuple(self._names)
