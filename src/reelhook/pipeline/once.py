"""Once: a publish that carries an `Idempotency-Key`, or events with ids of the client's, happens one time only."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import msgspec

from reelhook.errors import Conflict, FieldError, KeyReused
from reelhook.model.event import Event
from reelhook.pipeline import accept
from reelhook.pipeline.values import Draft, Receipt
from reelhook.ports import Clock, Committing, Journal, Key, StoredKey

KEY_LIFE_MS: Final = 24 * 3600 * 1000
"""How long an `Idempotency-Key` is kept."""
EVENT_ID_LIFE_MS: Final = 45 * 24 * 3600 * 1000
"""How long an event id is kept: longer than the event itself."""
EVENT: Final = "event"
_receipt: Final = msgspec.json.Decoder(Receipt)

Keyed = tuple[str, str, bytes]
"""Kind, key and fingerprint of an `Idempotency-Key`."""
MakeKeys = Callable[[Sequence[Event], Sequence[bytes], bytes], Sequence[Key]]


class Commit(Protocol):
    """Commits drafts with the keys that are made for them."""

    def __call__(self, drafts: Sequence[Draft], *, batch: bool, keys: MakeKeys) -> Committing[bytes]:
        """Return a future that is done when it is on disk."""
        ...


Recalled = dict[tuple[str, str], StoredKey | None]
"""What is known of keys, by kind and text."""


class Once:
    """Looks at what is known of the keys before anything is committed."""

    def __init__(self, journal: Journal, clock: Clock, event_id_life: int = EVENT_ID_LIFE_MS) -> None:
        self._event_id_life = event_id_life
        self._journal = journal
        self._clock = clock
        self.fenced = False
        """Whether the journal refuses keys that are known by then: what it recalled needs no second look."""

    async def publish(
        self, app_id: str, drafts: Sequence[Draft], keyed: Keyed | None, commit: Commit, *, batch: bool
    ) -> bytes:
        """Answer as the first time where it was published before; else commit what is new."""
        names = [(EVENT, draft.id) for draft in drafts if draft.id is not None]
        recalled = await self._recall(app_id, [*names, *([keyed[:2]] if keyed else [])])
        # From here to the commit nothing awaits, so nobody else in this process can come between.
        known = recalled[keyed[:2]] if keyed else None
        if keyed and known:
            return _same_request(known, keyed)
        first = _first_places(drafts)
        seen = _seen(recalled, drafts)
        fresh = [draft for place, draft in enumerate(drafts) if place not in seen and first[place] == place]
        if not fresh:
            return accept.answer([seen[place] for place in range(len(drafts))], batch=batch)
        if len(fresh) == len(drafts):
            return await commit(drafts, batch=batch, keys=partial(self._keys, drafts, keyed, lambda answer: answer))
        whole = partial(_merged, seen, first)
        return whole(await commit(fresh, batch=True, keys=partial(self._keys, fresh, keyed, whole)))

    async def _recall(self, app_id: str, names: Sequence[tuple[str, str]]) -> Recalled:
        """Return what is known of the keys, once none of them is just being stored."""
        while True:
            found: Recalled = {}
            waited = False
            for name in names:
                one = self._journal.recall(app_id, *name)
                if one is not None and not isinstance(one, StoredKey):
                    one, waited = await one, True
                found[name] = one
            if not waited or self.fenced:
                return found

    def _keys(  # noqa: PLR0913, PLR0917 - the first three are bound beforehand
        self,
        drafts: Sequence[Draft],
        keyed: Keyed | None,
        whole: Callable[[bytes], bytes],
        events: Sequence[Event],
        receipts: Sequence[bytes],
        answer: bytes,
    ) -> Sequence[Key]:
        now = self._clock.wall()
        keys = [
            Key(EVENT, draft.id, accept.fingerprint(draft), receipt, now + self._event_id_life, event.id)
            for draft, event, receipt in zip(drafts, events, receipts, strict=True)
            if draft.id is not None
        ]
        if keyed is not None:
            kind, key, fingerprint = keyed
            keys.append(Key(kind, key, fingerprint, whole(answer), now + KEY_LIFE_MS, events[0].id))
        return keys


def _seen(recalled: Recalled, drafts: Sequence[Draft]) -> dict[int, Receipt]:
    """Return the receipts of drafts whose ids are known, by place; refuse ids known with other content."""
    seen: dict[int, Receipt] = {}
    for place, draft in enumerate(drafts):
        known = None if draft.id is None else recalled[EVENT, draft.id]
        if known is None:
            continue
        if known.fingerprint != accept.fingerprint(draft):
            raise _other_content(draft)
        seen[place] = _receipt.decode(known.answer)
    return seen


def _same_request(known: StoredKey, keyed: Keyed) -> bytes:
    if known.fingerprint != keyed[2]:
        raise KeyReused(
            "this Idempotency-Key was used with another body; use a new key for a new request",
            errors=(FieldError("Idempotency-Key used before with another body"),),
        )
    return known.answer


def _first_places(drafts: Sequence[Draft]) -> list[int]:
    """Return for each draft where its event stands first: a batch may repeat an id, with equal content."""
    places: dict[str, int] = {}
    first = []
    for place, draft in enumerate(drafts):
        before = place if draft.id is None else places.setdefault(draft.id, place)
        if before != place and accept.fingerprint(drafts[before]) != accept.fingerprint(draft):
            raise _other_content(draft)
        first.append(before)
    return first


def _other_content(draft: Draft) -> Conflict:
    return Conflict(f"an event with the id {draft.id} exists already, with other content")


def _merged(seen: dict[int, Receipt], first: Sequence[int], answer: bytes) -> bytes:
    """Return the answer to a whole batch, of which `answer` is the part that was new."""
    rest = iter(accept.receipts(answer))
    known = dict(seen)
    for place, before in enumerate(first):
        if place not in known:
            known[place] = next(rest) if before == place else known[before]
    return accept.answer([known[place] for place in range(len(first))], batch=True)
