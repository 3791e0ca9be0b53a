"""Everything sealed anew with another key, piece by piece, whoever is cut off in between."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from tests.conformance.beside import connected
from tests.conformance.conftest import SECRET_KEY, Teller
from tests.conformance.world import World

from reelhook.errors import Unavailable
from reelhook.model.access import App, LinkRefresh
from reelhook.model.endpoint import BearerAuth
from reelhook.model.ids import IdSource
from reelhook.model.secret import Secret
from reelhook.ports import Key
from reelhook.store import resealing
from reelhook.store.master_key import finish_change, open_sealer
from reelhook.store.postgres.store import PostgresOptions, PostgresStore
from reelhook.store.resealing import reseal
from reelhook.store.seal import Sealer
from reelhook.store.sqlite import SqliteOptions, SqliteStore

NEXT = Secret("the next passphrase of ours")
TOKEN = "canary-of-the-receiver"
QUESTIONS = "canary-of-the-links"


def options(tell: Any) -> tuple[type, Any]:
    if hasattr(tell, "url"):
        return PostgresOptions, tell.url
    return SqliteOptions, tell.path


async def opened(tell: Any, key: Secret, other: Secret | None = None) -> Any:
    kind, where = options(tell)
    given = kind(where, key, other_key=other)
    if kind is PostgresOptions:
        return await PostgresStore.open(given, tell.clock, IdSource())
    return SqliteStore(given, tell.clock, IdSource())


@pytest.fixture
def endpoints(tell: Teller) -> list[int]:
    """Endpoints of several versions, one of them gone; an app with a secret; an answer that is kept."""

    async def story() -> list[int]:
        store = await opened(tell, SECRET_KEY)
        world = World(store, tell.clock, tell.ids)
        app = App("links", "Links", 0, 0, link_refresh=LinkRefresh("https://links.example", Secret(QUESTIONS)))
        await store.apps.add(app, world.entry("links"))
        made = [await world.endpoint(auth=BearerAuth(Secret(TOKEN)), headers={"X-Key": TOKEN}) for _ in range(5)]
        for endpoint in made:
            await world.change(endpoint, name="changed")
        gone = await world.endpoint(auth=BearerAuth(Secret(TOKEN)))
        await store.endpoints.remove("default", gone.id, world.entry())
        await store.answers.keep("default", answer(world))
        await store.close()
        return [one.id for one in made]

    return asyncio.run(story())


def answer(world: World) -> Key:
    return Key("POST /v1/endpoints", "k", b"f" * 32, TOKEN.encode(), world.clock.time + 1_000_000, 0)


async def read(tell: Teller, endpoints: list[int], key: Secret, other: Secret | None = None) -> set[str]:
    """Return every secret that can be read with a key."""
    store = await opened(tell, key, other)
    try:
        found = {store.apps.get("links").link_refresh.secret.reveal()}
        for endpoint_id in endpoints:
            endpoint = store.endpoints.get("default", endpoint_id)
            found |= {endpoint.auth.token.reveal(), endpoint.headers["X-Key"]}
            assert (await store.endpoints.version(endpoint_id, 1)).auth.token.reveal() == TOKEN
        kept = await store.answers.recall("default", "POST /v1/endpoints", "k")
        return found | {kept.answer.decode()}
    finally:
        await store.close()


def rekey(tell: Teller, *, finish: bool = True) -> dict[str, int]:
    with connected(tell) as connection:
        sealer = open_sealer(connection, NEXT, None, SECRET_KEY)
        done = reseal(connection, sealer)
        if finish:
            finish_change(connection, sealer)
        return done


def test_everything_opens_with_the_new_key_alone_and_the_one_before_is_refused(
    tell: Teller, endpoints: list[int]
) -> None:
    assert rekey(tell) == {"apps": 1, "versions": 11, "answers": 1}
    assert asyncio.run(read(tell, endpoints, NEXT)) == {TOKEN, QUESTIONS}
    with pytest.raises(Unavailable, match="is not the key that the secrets"):
        asyncio.run(read(tell, endpoints, SECRET_KEY))


def test_while_it_is_changed_either_key_first_reads_everything(tell: Teller, endpoints: list[int]) -> None:
    assert asyncio.run(read(tell, endpoints, SECRET_KEY, NEXT)) == {TOKEN, QUESTIONS}
    assert asyncio.run(read(tell, endpoints, NEXT, SECRET_KEY)) == {TOKEN, QUESTIONS}
    rekey(tell, finish=False)
    assert asyncio.run(read(tell, endpoints, SECRET_KEY, NEXT)) == {TOKEN, QUESTIONS}
    with pytest.raises(Unavailable, match="reelhook rekey"):
        asyncio.run(read(tell, endpoints, NEXT))


@pytest.mark.parametrize("after", [1, 2, 5])
def test_what_was_cut_off_goes_on_where_it_was(
    tell: Teller, endpoints: list[int], after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [replace(kind, limit=2) for kind in resealing.KINDS]
    monkeypatch.setattr(resealing, "KINDS", kinds)
    with monkeypatch.context() as cut:
        pages: list[int] = []
        cut.setattr(resealing, "_rows", _cut_off(resealing._rows, pages, after))
        with pytest.raises(KeyboardInterrupt):
            rekey(tell)
    assert asyncio.run(read(tell, endpoints, SECRET_KEY, NEXT)) == {TOKEN, QUESTIONS}
    rekey(tell)
    assert asyncio.run(read(tell, endpoints, NEXT)) == {TOKEN, QUESTIONS}
    with connected(tell) as connection:
        assert set(reseal(connection, open_sealer(connection, NEXT, None)).values()) == {0}


def _cut_off(rows: Any, pages: list[int], after: int) -> Any:
    def asked(*given: Any) -> Any:
        pages.append(1)
        if len(pages) > after:
            raise KeyboardInterrupt
        return rows(*given)

    return asked


def test_what_was_sealed_with_a_third_key_is_named_and_the_change_is_not_finished(
    tell: Teller, endpoints: list[int]
) -> None:
    with connected(tell) as connection:
        sealed = Sealer(b"3" * 32).seal_text(TOKEN, b"nowhere")
        document = b'{"id":"x","name":"x","created_at":0,"updated_at":0,"link_refresh":{"url":"u","secret":"%s"}}'
        connection.execute("UPDATE apps SET document = ? WHERE id = 'links'", (document % sealed.encode(),))
    with pytest.raises(Unavailable, match="app links cannot be opened"):
        rekey(tell)


@pytest.mark.fault("S28")
def test_a_document_keeps_what_this_version_does_not_know(tell: Teller, endpoints: list[int]) -> None:
    with connected(tell) as connection:
        (raw,) = connection.execute("SELECT document FROM apps WHERE id = 'links'").fetchall()[0]
        added = bytes(raw)[:-1] + b',"from_a_later_version":{"a":1}}'
        connection.execute("UPDATE apps SET document = ? WHERE id = 'links'", (added,))
    rekey(tell)
    with connected(tell) as connection:
        (raw,) = connection.execute("SELECT document FROM apps WHERE id = 'links'").fetchall()[0]
    assert bytes(raw).endswith(b',"from_a_later_version":{"a":1}}')
    assert asyncio.run(read(tell, endpoints, NEXT)) == {TOKEN, QUESTIONS}
