"""Lies that break what receivers and their owners were promised."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.simulation.lies import breaks, every, wrapped

from reelhook.model.endpoint import Endpoint
from reelhook.model.secret import Secret
from reelhook.pipeline import record, sending, sign
from reelhook.pipeline.directory import Directory
from reelhook.pipeline.record import Recorder
from reelhook.pipeline.values import Shaped
from reelhook.store import ordering, queue
from reelhook.store.statements import statements
from reelhook.worker.lanes import Lane
from reelhook.worker.rate_window import RateWindow
from reelhook.worker.roster import Roster


@breaks("nothing is received that was not submitted", 1)
def a_message_has_an_id_of_its_own(patch: pytest.MonkeyPatch) -> None:
    now = every(7)
    wrapped(patch, sending, "Message", lambda honest, number, *rest: honest(number + "0" * now(), *rest))


@breaks("apps never mix", 0, 4)
def an_event_goes_to_an_endpoint_of_another_app(patch: pytest.MonkeyPatch) -> None:
    apps: set[str] = set()

    def put(honest: Any, self: Directory, endpoint: Endpoint) -> None:
        for app_id in sorted(apps - {endpoint.app_id}):
            honest(self, replace(endpoint, app_id=app_id))
        honest(self, endpoint)
        apps.add(endpoint.app_id)

    wrapped(patch, Directory, "put", put)


@breaks("bodies and signatures are right", 1)
def a_byte_of_a_body_is_changed(patch: pytest.MonkeyPatch) -> None:
    now = every(7)

    def shape(honest: Any, *args: Any) -> Shaped:
        shaped: Shaped = honest(*args)
        body = shaped.body.data.replace(b'"id":"a"', b'"id":"b"') if now() else shaped.body.data
        return replace(shaped, body=replace(shaped.body, data=body))

    wrapped(patch, sending, "shape", shape)


@breaks("bodies and signatures are right", 1)
def a_message_is_signed_for_another_time(patch: pytest.MonkeyPatch) -> None:
    now = every(7)
    wrapped(patch, sending, "Message", lambda honest, number, at, *rest: honest(number, at - 60_000 * now(), *rest))


@breaks("requests go to the endpoint as it is", 1)
def the_wrong_key_signs(patch: pytest.MonkeyPatch) -> None:
    other = Secret("whsec_" + "A" * 32)
    wrapped(
        patch, sign, "signing_keys", lambda honest, endpoint, dialect: honest(replace(endpoint, secret=other), dialect)
    )


@breaks("requests go to the endpoint as it is", 2, 7)
def an_edit_is_not_heard(patch: pytest.MonkeyPatch) -> None:
    def put(honest: Any, self: Directory, endpoint: Endpoint) -> None:
        known = self.endpoint(endpoint.id)
        honest(self, replace(endpoint, url=known.url, secret=known.secret) if known else endpoint)

    wrapped(patch, Directory, "put", put)


@breaks("ordered lanes keep their order", 4)
def nobody_waits_in_a_lane(patch: pytest.MonkeyPatch) -> None:
    joins = statements("queue")["join_lane"]

    def join(connection: Any, endpoint_id: int, lane: str, delivery_id: int, position: int) -> None:
        connection.execute(joins, (endpoint_id, lane, position, delivery_id))

    patch.setattr(ordering, "join", join)


@breaks("nothing is sent before it is due", 1)
def retries_come_too_early(patch: pytest.MonkeyPatch) -> None:
    wrapped(patch, record, "next_wait", lambda honest, *args: wait and wait * 0.9 if (wait := honest(*args)) else wait)


@breaks("rate limits hold", 0, 2)
def one_more_than_the_rate_allows_is_sent(patch: pytest.MonkeyPatch) -> None:
    wrapped(patch, RateWindow, "free", lambda honest, *args: honest(*args) + 1)


@breaks("permits hold", 1, 4)
def one_more_than_permitted_is_under_way(patch: pytest.MonkeyPatch) -> None:
    def configure(honest: Any, self: Roster, lane: Lane, endpoint: Endpoint) -> None:
        honest(self, lane, endpoint)
        lane.permits += 1

    wrapped(patch, Roster, "configure", configure)


@breaks("nothing is sent to an endpoint that is paused, disabled or gone", 1)
def a_pause_is_not_heard(patch: pytest.MonkeyPatch) -> None:
    def configure(honest: Any, self: Roster, lane: Lane, endpoint: Endpoint) -> None:
        honest(self, lane, endpoint)
        lane.held = False

    wrapped(patch, Roster, "configure", configure)


@breaks("an endpoint that is gone is disabled at once", 1, 16)
def who_is_gone_is_not_disabled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Recorder, "_learn", lambda *args: None)


@breaks("nothing is sent that is cancelled", 7, 11)
def a_cancelled_delivery_stays_in_the_queue(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(queue, "_cancel", lambda connection, app_id, number, now: queue.load(connection, app_id, number))


@breaks("a resend is heard", 1, 4)
def a_resend_is_answered_and_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(queue, "_resend", lambda connection, row, *rest: queue.load(connection, row[1], row[0]))
