"""Invariants of the left half of an event's life: what publishers were promised."""

from collections.abc import Iterator

import msgspec
from tests.simulation.evidence import Course, Evidence, nonce_of, public_id
from tests.simulation.ledger import Ask, Draft, Publish

from reelhook.model.endpoint import Endpoint, Ordering

Found = Iterator[tuple[str, Course | None]]
_BUSY = {"storage-full": "full", "unavailable": "broken"}
"""What a publisher may be told, and what must then be wrong with the disk."""
_LATELY_MS = 10_000
_MOST_REFUSALS = 6
"""One commit finds the disk full for each of those who ask the same at once, and wait for each other."""
_OPERATIONAL = ("endpoint.", "delivery.")


def accepted_is_stored(evidence: Evidence) -> Found:
    """Every event that was acknowledged is there, under its id, with its data."""
    for publish in evidence.ledger.publishes:
        for ask in publish.answered():
            for draft, receipt in zip(publish.drafts, ask.receipts or (), strict=True):
                event = evidence.event_of_id.get((publish.app_id, receipt["id"]))
                if event is None:
                    yield f"{draft.nonce} was acknowledged as {receipt['id']}, which is not in the store", None
                elif (event.type, msgspec.json.decode(event.data)) != (draft.type, draft.data):
                    yield f"{receipt['id']} is stored with other content than {draft.nonce} had", None
                elif receipt["deliveries"] != len(_deliveries_of(evidence, event.id)):
                    yield f"{receipt['id']}: told {receipt['deliveries']} deliveries", None


def refused_is_not_stored(evidence: Evidence) -> Found:
    """Who was told that the disk is full can be sure that nothing was stored."""
    for nonce, (publish, _) in evidence.published.items():
        if publish.asks and all(ask.error == "storage-full" for ask in publish.asks):
            for event in evidence.events_of_nonce.get(nonce, []):
                yield f"{nonce} was refused, and stored as {public_id(event)}", None


def nothing_from_nowhere_is_stored(evidence: Evidence) -> Found:
    """Every event is one that somebody published in its app, or an operational one of Reelhook's own."""
    for event in evidence.account.events.values():
        if event.type.startswith(_OPERATIONAL):
            if event.source != "reelhook":
                yield f"{public_id(event)} is operational, from {event.source}", None
            continue
        known = evidence.published.get(nonce_of(event.data) or "")
        if known is None or not known[0].asks or known[0].app_id != event.app_id:
            yield f"{public_id(event)} of {event.app_id} was published by nobody there", None


def the_same_request_makes_one_event(evidence: Evidence) -> Found:
    """However often it was asked for, there is one event, and everybody got the same answer."""
    for nonce, (publish, _) in evidence.published.items():
        stored = evidence.events_of_nonce.get(nonce, [])
        if len(stored) > 1:
            yield f"{nonce} is stored {len(stored)} times: {[public_id(event) for event in stored]}", None
        answers = {msgspec.json.encode(ask.receipts) for ask in publish.answered()}
        if len(answers) > 1:
            yield f"publish {publish.number} got different answers: {sorted(answers)}", None


def refusals_have_good_reasons(evidence: Evidence) -> Found:
    """All that is published is valid, so only a store that cannot write may refuse it, while it cannot."""
    for publish in evidence.ledger.publishes:
        for ask in publish.asks:
            if ask.error is not None and not _could_not_write(evidence, ask):
                yield f"publish {publish.number} was refused: {ask.error}", None


def _could_not_write(evidence: Evidence, ask: Ask) -> bool:
    """Tell whether the disk was as the publisher was told, just before he was."""
    assert ask.ended is not None
    why, told_at = _BUSY.get(ask.error or ""), evidence.trace.time_of(ask.ended)
    places = [place for place in evidence.refusals.get((ask.life, why), []) if place < ask.ended]
    return bool(places) and told_at - evidence.trace.time_of(places[-1]) <= _LATELY_MS


def nobody_waits_for_a_full_disk(evidence: Evidence) -> Found:
    """Who publishes while the disk is full is told so, and not kept waiting until it has space again."""
    for publish in evidence.ledger.publishes:
        for ask in publish.asks:
            places = evidence.refusals.get((ask.life, "full"), [])
            waited = sum(ask.begun < place < (ask.ended or evidence.end) for place in places)
            if waited > _MOST_REFUSALS:
                yield f"publish {publish.number} waited while {waited} commits found the disk full", None


def later_events_have_larger_ids(evidence: Evidence) -> Found:
    """Who publishes after an answer is later in every order, whatever the clock does meanwhile."""
    asked = sorted(
        (ask.begun, ask.ended or ask.begun, row.id)
        for publish in evidence.ledger.publishes
        if len(publish.asks) == 1
        for ask in publish.answered()
        for draft in publish.drafts
        for row in evidence.events_of_nonce.get(draft.nonce, [])
    )
    answered = sorted((ended, row) for _, ended, row in asked)
    largest, place = 0, 0
    for begun, _, row in asked:
        while place < len(answered) and answered[place][0] < begun:
            largest = max(largest, answered[place][1])
            place += 1
        if row < largest:
            yield f"event {row} was published after {largest} was answered", None


def every_match_has_a_delivery(evidence: Evidence) -> Found:
    """Each endpoint that was certainly there, and wanted the event in every version it can have had, has it once."""
    for nonce, (publish, draft) in evidence.published.items():
        for event in evidence.events_of_nonce.get(nonce, []):
            begin, end = _accepted_between(publish, evidence)
            having = _deliveries_of(evidence, event.id)
            for history in evidence.ledger.endpoints.values():
                if history.app_id != event.app_id or not history.certain(begin, end):
                    continue
                wanted = all(wants(version.endpoint, draft) for version in history.possible(begin, end))
                if wanted and having.count(history.id) != 1:
                    yield f"{nonce} has {having.count(history.id)} deliveries to endpoint {history.id}", None


def no_delivery_without_match(evidence: Evidence) -> Found:
    """No endpoint has an event that it cannot have wanted, nor has one twice."""
    for course in evidence.courses.values():
        known = evidence.published.get(nonce_of(course.event.data) or "")
        history = evidence.ledger.endpoints.get(course.delivery.endpoint_id)
        if history is None:
            yield "a delivery to an endpoint that nobody made", course
        elif known is not None:
            begin, end = _accepted_between(known[0], evidence)
            if not any(wants(version.endpoint, known[1]) for version in history.possible(begin, end)):
                yield f"endpoint {history.id} did not want {known[1].type}", course
        elif course.event.type not in {name for version in history.versions for name in version.endpoint.events}:
            yield "an operational event to an endpoint that did not name it", course


def lanes_are_right(evidence: Evidence) -> Found:
    """A delivery waits in the lane of its asset or key, of its whole endpoint, or in none."""
    for course in evidence.courses.values():
        known = evidence.published.get(nonce_of(course.event.data) or "")
        history = evidence.ledger.endpoints.get(course.delivery.endpoint_id)
        if known is None or history is None:
            continue
        begin, end = _accepted_between(known[0], evidence)
        lanes = {_lane(version.endpoint, known[1]) for version in history.possible(begin, end)}
        if any(one.endpoint.ordering is Ordering.NONE for one in history.possible(begin, evidence.end)):
            lanes.add(None)  # who gives up ordering dissolves the lanes that there are
        if course.delivery.lane not in lanes:
            yield f"its lane is {course.delivery.lane}, not one of {lanes}", course


def wants(endpoint: Endpoint, draft: Draft) -> bool:
    """Tell whether an endpoint of this world subscribes to an event: the rules of the contract, written once more."""
    named = not endpoint.events or any(_names(entry, draft.type) for entry in endpoint.events)
    if not named or draft.type != "asset.metadata_changed":
        return named
    return not endpoint.conditions.changes or draft.data["changes"][0]["to"] == "approved"


def _names(entry: str, event_type: str) -> bool:
    if entry.startswith("category:"):
        return event_type.split(".", maxsplit=1)[0] == entry.removeprefix("category:")
    return entry in ("*", event_type) or (entry.endswith(".*") and event_type.startswith(entry[:-1]))


def _lane(endpoint: Endpoint, draft: Draft) -> str | None:
    if endpoint.ordering is Ordering.NONE:
        return None
    if endpoint.ordering is Ordering.ENDPOINT:
        return "*"
    return draft.ordering_key or draft.data["asset"]["id"]


def _accepted_between(publish: Publish, evidence: Evidence) -> tuple[int, int]:
    """Return the moments between which a publish was matched: any of the times that it was asked."""
    first_answer = min((ask.ended for ask in publish.answered() if ask.ended is not None), default=evidence.end)
    asked = [ask for ask in publish.asks if ask.begun <= first_answer]
    return min(ask.begun for ask in asked), max(_over(ask, first_answer, evidence) for ask in asked)


def _over(ask: Ask, first_answer: int, evidence: Evidence) -> int:
    """Return when an ask was over: answered, or dead with its process."""
    return min(evidence.end_of_life(ask.life) if ask.ended is None else ask.ended, first_answer)


def _deliveries_of(evidence: Evidence, event_id: int) -> list[int]:
    return [row.endpoint_id for row in evidence.account.deliveries.values() if row.event_id == event_id]
