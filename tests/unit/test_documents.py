import msgspec
import pytest

from reelhook.model.access import App, LinkRefresh
from reelhook.model.endpoint import BasicAuth, Endpoint, MutualTlsAuth, RetiredSecret
from reelhook.model.secret import Secret
from reelhook.store.documents import Documents
from reelhook.store.seal import SealBroken, Sealer

DOCUMENTS = Documents(Sealer(bytes(range(32))))
ROW = ("acme", "endpoint_versions", 5, 1)
ENDPOINT = Endpoint(
    5,
    "acme",
    1,
    "https://a.example/",
    0,
    0,
    headers={"X-Key": "canary-header", "X-Other": "canary-second"},
    auth=BasicAuth("user", Secret("canary-password")),
    secret=Secret("canary-secret"),
    retired_secrets=(RetiredSecret(Secret("canary-one"), 1), RetiredSecret(Secret("canary-two"), 2)),
    metadata={"headers": {"X": "mine"}, "secret": "mine"},
)


def test_a_document_comes_back_as_it_was_and_shows_no_secret() -> None:
    written = DOCUMENTS.write(ENDPOINT, *ROW)
    assert b"canary" not in written
    assert b'"username":"user"' in written
    assert DOCUMENTS.read(written, Endpoint, *ROW) == ENDPOINT


def test_values_without_secrets_are_plain_json() -> None:
    app = App("acme", "Acme", 1, 2)
    assert DOCUMENTS.write(app, "acme") == msgspec.json.encode(app)


def test_secrets_in_every_kind_of_credential_are_sealed() -> None:
    app = App("acme", "Acme", 1, 2, link_refresh=LinkRefresh("https://a.example/", Secret("canary")))
    assert b"canary" not in DOCUMENTS.write(app, "acme")
    endpoint = msgspec.structs.replace(ENDPOINT, auth=MutualTlsAuth("PEM", Secret("canary-key")))
    written = DOCUMENTS.write(endpoint, *ROW)
    assert b"canary" not in written
    assert DOCUMENTS.read(written, Endpoint, *ROW) == endpoint


@pytest.mark.fault("S29")
@pytest.mark.parametrize(
    "row",
    [("other", *ROW[1:]), (*ROW[:2], 6, 1), (*ROW[:3], 2), ("acme", "apps", 5, 1)],
)
def test_a_document_copied_to_another_tenant_row_or_version_does_not_open(row: tuple[str | int, ...]) -> None:
    with pytest.raises(SealBroken):
        DOCUMENTS.read(DOCUMENTS.write(ENDPOINT, *ROW), Endpoint, *row)


@pytest.mark.fault("S29")
def test_secrets_swapped_inside_a_row_do_not_open() -> None:
    plain = msgspec.json.decode(DOCUMENTS.write(ENDPOINT, *ROW))
    one, two = plain["retired_secrets"]
    one["secret"], two["secret"] = two["secret"], one["secret"]
    with pytest.raises(SealBroken):
        DOCUMENTS.read(msgspec.json.encode(plain), Endpoint, *ROW)
    plain = msgspec.json.decode(DOCUMENTS.write(ENDPOINT, *ROW))
    plain["headers"]["X-Key"], plain["secret"] = plain["secret"], plain["headers"]["X-Key"]
    with pytest.raises(SealBroken):
        DOCUMENTS.read(msgspec.json.encode(plain), Endpoint, *ROW)


@pytest.mark.fault("S29")
def test_a_secret_planted_in_the_clear_is_refused() -> None:
    plain = msgspec.json.decode(DOCUMENTS.write(ENDPOINT, *ROW))
    plain["secret"] = "whsec_planted"
    with pytest.raises(SealBroken):
        DOCUMENTS.read(msgspec.json.encode(plain), Endpoint, *ROW)
