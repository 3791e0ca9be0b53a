"""Accept: from the bytes of a publish to events that can be promised. Pure; the commit is the journal's."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from reelhook.errors import FieldError, Invalid
from reelhook.model import ids
from reelhook.model.decoding import read_json
from reelhook.model.event import ID_RE, LONGEST_NAME, TYPE_RE, Event
from reelhook.model.instant import read_time, show_time
from reelhook.pipeline.values import Draft, Receipt, Receipts

LARGEST_BATCH: Final = 1000


_one: Final = msgspec.json.Decoder(Draft)
_many: Final = msgspec.json.Decoder(list[Draft])
_encoder: Final = msgspec.json.Encoder()
_receipts: Final = msgspec.json.Decoder(Receipts)


def read_event(body: bytes) -> list[Draft]:
    """Read the body of `POST /v1/events`."""
    draft = read_json(_one, body)
    _check(draft, "")
    return [draft]


def read_batch(body: bytes) -> list[Draft]:
    """Read the body of `POST /v1/events/batch`: 1 to 1,000 events, all of them good or none is taken."""
    drafts = read_json(_many, body)
    if not 1 <= len(drafts) <= LARGEST_BATCH:
        raise Invalid(f"a batch holds 1 to {LARGEST_BATCH} events, this one {len(drafts)}")
    for index, draft in enumerate(drafts):
        _check(draft, f"/{index}")
    return drafts


def make_event(draft: Draft, app_id: str, number: int, now: int, source: str | None = None) -> Event:
    """Make the event that the draft describes; `now` is wall time in ms."""
    occurred_at = now if draft.occurred_at is None else read_time(draft.occurred_at)
    data = bytes(draft.data)
    return Event(number, app_id, draft.type, data, occurred_at, now, draft.id, draft.ordering_key, source)


def write_event(event_type: str, data: bytes) -> bytes:
    """Write the body that publishes an event of our own."""
    return _encoder.encode({"type": event_type, "data": msgspec.Raw(data)})


def receipts(answer_to_batch: bytes) -> list[Receipt]:
    """Read the receipts out of the answer to a batch."""
    return _receipts.decode(answer_to_batch).items


def receipt(event: Event, deliveries: int) -> Receipt:
    """Make the publisher's answer for one event."""
    return Receipt(event.public_id, event.type, show_time(event.accepted_at), deliveries)


def answer(receipts: Sequence[Receipt], *, batch: bool) -> bytes:
    """Write the answer to a publish."""
    return _encoder.encode(Receipts(list(receipts)) if batch else receipts[0])


def fingerprint(draft: Draft) -> bytes:
    """Return a digest of what a draft says, the same however its JSON is written.

    Data that Python cannot hold (a number such as 1e400) are the same only when they are written the same.
    """
    try:
        data = msgspec.json.encode(msgspec.json.decode(draft.data), order="sorted")
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        data = bytes(draft.data)
    occurred_at = None if draft.occurred_at is None else read_time(draft.occurred_at)
    said = (draft.type, data, occurred_at, draft.ordering_key)
    return hashlib.sha256(msgspec.json.encode(said)).digest()


def body_fingerprint(body: bytes) -> bytes:
    """Return a digest of a body as it was posted."""
    return hashlib.sha256(body).digest()


def is_ours(event_id: str) -> bool:
    """Tell whether a given id has the form of the ids that Reelhook makes, which clients may not choose."""
    return ids.read("evt", event_id) is not None


def _check(draft: Draft, pointer: str) -> None:
    if not TYPE_RE.match(draft.type) or len(draft.type) > LONGEST_NAME:
        raise _wrong(
            "an event type is words of letters, digits, _ and - joined by dots, at most 128", f"{pointer}/type"
        )
    if draft.id is not None and (not ID_RE.match(draft.id) or len(draft.id) > LONGEST_NAME):
        raise _wrong("an event id is 1 to 128 visible ASCII characters and contains no dot", f"{pointer}/id")
    if draft.id is not None and is_ours(draft.id):
        raise _wrong("ids of this form are made by Reelhook; leave the id out or choose another", f"{pointer}/id")
    if draft.ordering_key is not None and not 1 <= len(draft.ordering_key) <= LONGEST_NAME:
        raise _wrong("an ordering key has 1 to 128 characters", f"{pointer}/ordering_key")
    if draft.occurred_at is not None:
        try:
            read_time(draft.occurred_at)
        except ValueError as error:
            raise _wrong(str(error), f"{pointer}/occurred_at") from None


def _wrong(detail: str, pointer: str) -> Invalid:
    return Invalid(f"{pointer}: {detail}", errors=(FieldError(detail, pointer),))
