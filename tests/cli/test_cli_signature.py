"""`reelhook sign` and `verify`, offline."""

import time

import pytest
from standardwebhooks import Webhook

from reelhook.dialects.signing_keys import new_signing_key, verifying_key
from reelhook.model.secret import Secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
BODY = b'{"type":"asset.created","data":{}}'


@pytest.fixture
def body(reelhook, tmp_path, monkeypatch):
    monkeypatch.setenv("REELHOOK_SECRET", SECRET)
    (tmp_path / "body").write_bytes(BODY)
    return "body"


def headers_file(tmp_path, text):
    (tmp_path / "headers").write_text(text)
    return "headers"


def test_what_is_signed_verifies_with_the_public_library(reelhook, body):
    headers = reelhook("sign", body, "--json").json
    assert Webhook(SECRET).verify(BODY, headers) == {"type": "asset.created", "data": {}}


def test_signed_headers_are_printed_as_they_stand_in_a_request_and_verify(reelhook, body, tmp_path):
    printed = reelhook("sign", body).out
    assert [line.split(":")[0] for line in printed.splitlines()] == [
        "webhook-id", "webhook-timestamp", "webhook-signature",
    ]  # fmt: skip
    ended = reelhook("verify", body, "--headers", headers_file(tmp_path, printed), "--json")
    assert (ended.code, ended.json) == (0, {"verified": True, "reason": None})


def test_the_signature_of_the_specification_is_made(reelhook, tmp_path, body):
    (tmp_path / "spec").write_text('{"test": 2432232314}')
    given = ("--id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "--timestamp", "1614265330")
    signed = reelhook("sign", "spec", *given, "--json").json
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert reelhook("verify", "spec", *given, "--signature", signed["webhook-signature"], "--any-time").code == 0


def test_a_body_can_come_from_stdin(reelhook, body, tmp_path):
    printed = reelhook("sign", "/dev/stdin", stdin=b"from a pipe").out
    assert (
        reelhook("verify", "/dev/stdin", "--headers", headers_file(tmp_path, printed), stdin=b"from a pipe").code == 0
    )


def test_ed25519_is_signed_beside_and_verified_with_the_public_key(reelhook, body, tmp_path, monkeypatch):
    private = new_signing_key(bytes(range(32)))
    monkeypatch.setenv("REELHOOK_SECRET", f"{SECRET} {private}")
    printed = reelhook("sign", body).out
    assert " v1a," in printed
    (tmp_path / "public").write_text(verifying_key(Secret(private)))
    assert reelhook("verify", body, "--headers", headers_file(tmp_path, printed), "--secret-file", "public").code == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda printed: printed.replace("webhook-id: msg", "webhook-id: xsg"), "no v1"),
        (lambda printed: printed.replace("v1,", "v2,"), "no v1"),
        (lambda printed: printed.replace("webhook-signature", "x-signature"), "webhook-signature is missing"),
        (lambda printed: printed.replace("webhook-timestamp: ", "webhook-timestamp: 1"), "s off"),
    ],
)
def test_what_does_not_verify_is_exit_code_1_with_the_reason(reelhook, body, tmp_path, change, reason):
    printed = change(reelhook("sign", body).out)
    ended = reelhook("verify", body, "--headers", headers_file(tmp_path, printed))
    assert ended.code == 1
    assert reason in ended.out


def test_an_old_message_verifies_only_when_its_age_does_not_matter(reelhook, body, tmp_path):
    printed = reelhook("sign", body, "--timestamp", int(time.time()) - 3600).out
    given = ("verify", body, "--headers", headers_file(tmp_path, printed))
    assert reelhook(*given).code == 1
    assert reelhook(*given, "--any-time").code == 0


def test_another_secret_does_not_verify_and_one_of_two_does(reelhook, body, tmp_path, monkeypatch):
    printed = reelhook("sign", body).out
    given = ("verify", body, "--headers", headers_file(tmp_path, printed))
    monkeypatch.setenv("REELHOOK_SECRET", OTHER)
    assert reelhook(*given).code == 1
    monkeypatch.setenv("REELHOOK_SECRET", f"{OTHER} {SECRET}")
    assert reelhook(*given).code == 0


@pytest.mark.fault("S28")
@pytest.mark.parametrize("secret", ["", "canary-7", "whsec_canary 7", "whsec_!canary-7"])
def test_a_key_that_is_none_is_a_usage_error_and_is_not_shown(reelhook, body, monkeypatch, secret):
    monkeypatch.setenv("REELHOOK_SECRET", secret)
    ended = reelhook("sign", body)
    assert ended.code == 2
    assert "canary" not in ended.err
    assert reelhook("verify", body).code == 2
    assert reelhook("sign", "absent").code == 2
