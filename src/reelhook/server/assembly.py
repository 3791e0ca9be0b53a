"""Assembly: from the settings to an engine, and from the engine to what the API needs."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from starlette.types import ASGIApp

from reelhook.api.access import Authenticator
from reelhook.api.app import make_app
from reelhook.api.door import make_door
from reelhook.api.services import Changes as ApiChanges
from reelhook.api.services import PreviewedRequest, Services
from reelhook.dialects import webhook_signature
from reelhook.dialects.signing_keys import HmacKey, HmacKeys
from reelhook.model.endpoint import Endpoint
from reelhook.model.event import Event
from reelhook.model.ids import IdSource, show
from reelhook.model.secret import Secret
from reelhook.ports import Clock
from reelhook.server.engine import Engine, EngineOptions, World
from reelhook.settings import Settings
from reelhook.store.postgres.store import PostgresOptions, PostgresStore
from reelhook.store.sqlite import SqliteOptions, SqliteStore
from reelhook.telemetry import Lines, Metrics
from reelhook.transport.http import HttpWire
from reelhook.transport.links import LinkSource
from reelhook.transport.oauth import OAuthTokens
from reelhook.worker.circuit import CircuitRule
from reelhook.worker.keeper import Lease
from reelhook.worker.limits import Limits
from reelhook.worker.mail import Mailer, read_smtp_url
from reelhook.worker.postbox import Postbox


class Outside(NamedTuple):
    """The wire, and the addresses that this process listens on, which it must never call."""

    wire: HttpWire
    own_addresses: list[tuple[str, int]]

    async def close(self) -> None:
        """Close all connections."""
        await self.wire.close()


async def assemble(
    settings: Settings, clock: Clock, ids: IdSource, metrics: Metrics, on_fatal: Callable[[str], None]
) -> tuple[Engine, Outside]:
    """Open the store and put the engine together."""
    own_addresses: list[tuple[str, int]] = []
    wire = HttpWire(
        exceptions=settings.allow_networks,
        own_addresses=own_addresses,
        ca_file=str(settings.ca_file) if settings.ca_file else None,
    )
    store = await _open_store(settings, clock, ids, on_fatal)
    credentials = OAuthTokens(wire, clock, exceptions=settings.allow_networks)
    lines = Lines(every=settings.log_level == "debug")
    links = LinkSource(wire, clock, partial(_sign_question, ids))
    world = World(clock, ids, wire, credentials, random.random, metrics, lines, links)
    options = EngineOptions(
        _limits(settings),
        settings.retention_days,
        settings.operator_app,
        _postbox(settings, clock, metrics),
        settings.drain_seconds,
        Lease(settings.lease, takes=settings.role != "api"),
    )
    return Engine(store, world, options), Outside(wire, own_addresses)


async def _open_store(
    settings: Settings, clock: Clock, ids: IdSource, on_fatal: Callable[[str], None]
) -> SqliteStore | PostgresStore:
    if settings.database.is_postgres:
        options = PostgresOptions(
            settings.database,
            settings.secret_key,
            settings.database_pooler,
            settings.lease,
            on_fatal=on_fatal,
            other_key=settings.secret_key_other,
        )
        store = await PostgresStore.open(options, clock, ids)
        ids.renumber(await store.members.join(takes=settings.role != "api"))
        return store
    sqlite = SqliteOptions(
        settings.database_path,
        settings.secret_key,
        on_fatal=on_fatal,
        other_key=settings.secret_key_other,
        apart=True,
    )
    return SqliteStore(sqlite, clock, ids)


def services(settings: Settings, engine: Engine, url: str) -> tuple[ASGIApp, Any]:
    """Put the HTTP face together: the app, and the protocol class that answers the hot routes before it."""
    store, changes, rehearsal = engine.store, engine.changes, engine.rehearsal

    async def preview(endpoint: Endpoint, event_type: str, data: bytes, event: Event | None) -> PreviewedRequest:
        shown = await rehearsal.preview(endpoint, event or rehearsal.event(endpoint.app_id, event_type, data))
        return PreviewedRequest("POST", shown.url, dict(shown.headers), shown.body.decode())

    authenticator = Authenticator(store.tokens, store.apps, engine.world.clock)
    changes.on_learned = authenticator.forget
    given = Services(
        apps=store.apps,
        tokens=store.tokens,
        endpoints=store.endpoints,
        event_types=store.event_types,
        tasks=store.tasks,
        audit=store.audit,
        answers=store.answers,
        log=store.log,
        queue=store.queue,
        clock=engine.world.clock,
        ids=engine.world.ids,
        authenticator=authenticator,
        publish=engine.publish,
        test=lambda endpoint, saved: rehearsal.test(endpoint, saved=saved),
        preview=preview,
        changes=ApiChanges(
            endpoint=changes.endpoint,
            endpoint_removed=changes.endpoint_removed,
            app=changes.app,
            app_removed=changes.app_removed,
            event_types=changes.event_types,
            woken=lambda endpoint_ids: engine.dispatcher.waits(endpoint_ids, engine.world.clock.now()),
        ),
        task_control=engine.tasks,
        circuit=engine.dispatcher.circuit,
        standing=store.standing,
        ready=engine.failing,
        metrics=engine.world.metrics.render,
        max_event_bytes=settings.max_event_bytes,
        max_batch_bytes=settings.max_batch_bytes,
        max_body_bytes=settings.max_body_bytes,
        egress_ips=settings.egress_ips,
        public_url=url,
        exceptions=settings.allow_networks,
        https_only=settings.https_only,
        docs=settings.docs,
        watched_only=settings.role == "worker",
        held_since=lambda: engine.hold.since,
    )
    return make_app(given), make_door(given)


def _sign_question(ids: IdSource, secret: Secret, body: bytes, wall: int) -> list[tuple[str, str]]:
    """Sign what is asked of an app as its receivers know it: by Standard Webhooks, under an id of its own."""
    keys = HmacKeys((HmacKey(webhook_signature.key_of_text(secret)),))
    return webhook_signature.sign(body, show("lnk", ids.take(wall)), wall // 1000, keys, wall)


def _limits(settings: Settings) -> Limits:
    return Limits(
        in_flight=settings.max_in_flight,
        per_app=settings.app_in_flight,
        per_endpoint=settings.endpoint_concurrency,
        room=settings.hand_over,
        circuit=CircuitRule(
            failures=settings.circuit_failures,
            pause=round(settings.circuit_pause * 1000),
            longest=round(settings.circuit_pause_longest * 1000),
        ),
    )


def _postbox(settings: Settings, clock: Clock, metrics: Metrics) -> Postbox | None:
    if settings.smtp_url is None:
        return None
    return Postbox(Mailer(read_smtp_url(settings.smtp_url), settings.smtp_from), clock, metrics)
