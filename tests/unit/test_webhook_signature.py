import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.unit.samples import NOW, OTHER_SECRET, SECRET, an_endpoint

from reelhook.dialects import webhook_signature
from reelhook.dialects.dialect import Message
from reelhook.dialects.signing_keys import HmacKey, HmacKeys, new_signing_key, verifying_key
from reelhook.dialects.standard import STANDARD
from reelhook.dialects.webhook_verification import verify
from reelhook.errors import Unauthorized
from reelhook.model.secret import Secret

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "standard.json").read_text())["vectors"]
SECONDS = NOW // 1000


def keys(*secrets: str, signing_key: Secret | None = None) -> HmacKeys:
    return HmacKeys([HmacKey(STANDARD.key(Secret(secret))) for secret in secrets], signing_key)


def signed(body: bytes, with_keys: HmacKeys, at: int = SECONDS) -> dict[str, str]:
    return dict(STANDARD.sign(body, Message("evt_0000000000000005", at * 1000), with_keys, an_endpoint()))


@pytest.mark.fault("S14")
@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_give_exactly_their_headers(vector: dict[str, Any]) -> None:
    signing_key = Secret(vector["signing_key"]) if "signing_key" in vector else None
    with_keys = keys(*vector["secrets"], signing_key=signing_key)
    headers = STANDARD.sign(
        vector["body"].encode(), Message(vector["id"], vector["timestamp"] * 1000), with_keys, an_endpoint()
    )
    assert dict(headers) == vector["headers"]
    secrets = [Secret(secret) for secret in vector["secrets"][-1:]]
    verify(dict(headers), vector["body"].encode(), secrets, [], vector["timestamp"])
    if signing_key is not None:
        assert verifying_key(signing_key) == vector["verifying_key"]
        verify(dict(headers), vector["body"].encode(), [], [vector["verifying_key"]], vector["timestamp"])


@pytest.mark.fault("S14")
@given(title=st.text(max_size=200))
def test_the_public_python_library_verifies_what_is_sent(title: str) -> None:
    body = json.dumps({"title": title}, ensure_ascii=False).encode(errors="replace")
    headers = signed(body, keys(OTHER_SECRET, SECRET), at=_now())
    assert Webhook(SECRET).verify(body, headers) == json.loads(body)


@pytest.mark.fault("S14")
def test_the_public_python_library_verifies_beside_an_ed25519_signature() -> None:
    headers = signed(b"{}", keys(SECRET, signing_key=Secret(new_signing_key(bytes(32)))), at=_now())
    assert headers["webhook-signature"].split(" ")[1].startswith("v1a,")
    assert Webhook(SECRET).verify(b"{}", headers) == {}


@pytest.mark.fault("S14")
def test_one_flipped_bit_anywhere_fails() -> None:
    body = b'{"type":"asset.created"}'
    signing_key = Secret(new_signing_key(bytes(range(32))))
    headers = signed(body, keys(SECRET, signing_key=signing_key), at=_now())
    for bit in range(len(body) * 8):
        tampered = bytearray(body)
        tampered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unauthorized):
            verify(headers, bytes(tampered), [Secret(SECRET)], [verifying_key(signing_key)], _now())
        if tampered.isascii():
            with pytest.raises(WebhookVerificationError):
                Webhook(SECRET).verify(bytes(tampered), headers)
    for name in ("webhook-id", "webhook-timestamp"):
        changed = headers | {name: headers[name][:-1] + ("0" if headers[name][-1] != "0" else "1")}
        with pytest.raises(Unauthorized):
            verify(changed, body, [Secret(SECRET)], [], _now())


@pytest.mark.fault("S15")
def test_both_secrets_sign_until_the_old_one_expires_then_the_new_one_alone() -> None:
    new, old = STANDARD.key(Secret(SECRET)), STANDARD.key(Secret(OTHER_SECRET))
    rotating = HmacKeys([HmacKey(new), HmacKey(old, expires_at=NOW)])
    content = (b"evt_5.1.", b"{}")
    both = rotating.hmac_sha256(content, NOW - 1)
    assert both == [HmacKey(new).digest(content), HmacKey(old).digest(content)]
    assert rotating.hmac_sha256(content, NOW) == both[:1]


@pytest.mark.fault("S20")
@pytest.mark.parametrize(
    "tokens",
    [
        "v2,{v1}",
        "v1a,{v1}",
        "v1,{v1a}",
        "none,",
        "v1,",
        "v1",
        "{v1}",
        "v1,{v1}x",
        "V1,{v1}",
        "v1;{v1}",
        "v1,{v1},extra",
        "garbage v2,{v1} ,,",
    ],
)
def test_no_token_can_choose_how_it_is_verified(tokens: str) -> None:
    signing_key = Secret(new_signing_key(bytes(32)))
    headers = signed(b"{}", keys(SECRET, signing_key=signing_key))
    v1, v1a = (token.partition(",")[2] for token in headers["webhook-signature"].split(" "))
    downgraded = headers | {"webhook-signature": tokens.format(v1=v1, v1a=v1a)}
    with pytest.raises(Unauthorized):
        verify(downgraded, b"{}", [Secret(SECRET)], [verifying_key(signing_key)], SECONDS)


@pytest.mark.fault("S20")
def test_a_receiver_that_knows_only_ed25519_is_not_fooled_by_an_hmac_with_its_public_key() -> None:
    public = verifying_key(Secret(new_signing_key(bytes(32))))
    forged = signed(b"{}", keys("whsec_" + public.removeprefix("whpk_")))
    with pytest.raises(Unauthorized):
        verify(forged, b"{}", [], [public], SECONDS)


@pytest.mark.parametrize("off", [-301, 301])
def test_an_old_or_future_timestamp_is_refused(off: int) -> None:
    headers = signed(b"{}", keys(SECRET))
    with pytest.raises(Unauthorized, match="300 s off"):
        verify(headers, b"{}", [Secret(SECRET)], [], SECONDS + off)


@pytest.mark.parametrize("stamp", ["", "abc", "-5", "1e9", "²", "9" * 30, "17000000.5"])
def test_a_timestamp_that_is_no_number_is_refused(stamp: str) -> None:
    headers = signed(b"{}", keys(SECRET)) | {"webhook-timestamp": stamp}
    with pytest.raises(Unauthorized):
        verify(headers, b"{}", [Secret(SECRET)], [], SECONDS)


def test_an_endpoint_without_a_secret_sends_no_signature_header() -> None:
    assert [name for name, _ in STANDARD.sign(b"{}", Message("evt_5", NOW), HmacKeys(), an_endpoint())] == [
        "webhook-id",
        "webhook-timestamp",
    ]


@pytest.mark.parametrize(
    ("secret", "good"),
    [
        (SECRET, True),
        ("whsec_" + "A" * 86, True),
        ("whsec_" + "A" * 31, False),
        ("whsec_" + "A" * 88, False),
        ("whsec_", False),
        (SECRET.removeprefix("whsec_"), False),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_", False),
        (SECRET + "\n", False),
        ("whsec_héllo", False),
    ],
)
def test_a_secret_is_base64_of_24_to_64_bytes(secret: str, good: bool) -> None:
    errors = webhook_signature.check_secret(Secret(secret))
    assert (errors == []) is good
    assert all(secret.strip() not in error.detail or len(secret) < 10 for error in errors)


def test_a_new_secret_is_24_bytes_without_padding() -> None:
    secret = STANDARD.new_secret(bytes(range(24)))
    assert secret == OTHER_SECRET
    assert webhook_signature.check_secret(Secret(secret)) == []


def test_keys_show_nothing_of_themselves() -> None:
    with_keys = keys(SECRET, signing_key=Secret(new_signing_key(bytes(32))))
    assert repr(with_keys) == "HmacKeys(***)"
    assert repr(HmacKey(b"secret" * 4)) == "HmacKey(***)"
    assert not hasattr(with_keys, "__dict__")


def _now() -> int:
    """The reference library reads the wall clock itself."""
    return int(time.time())
