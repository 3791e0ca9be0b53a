import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import NOW, OTHER_SECRET, an_endpoint

from reelhook import __version__
from reelhook.dialects.cloudevents import CLOUD_EVENTS
from reelhook.dialects.dialect import Message
from reelhook.dialects.signing_keys import new_signing_key
from reelhook.dialects.standard import STANDARD
from reelhook.errors import Invalid
from reelhook.model.endpoint import BasicAuth, BearerAuth, OAuth2Auth, RetiredSecret
from reelhook.model.http import header_lines
from reelhook.model.secret import Secret
from reelhook.pipeline.sign import Head, Letterhead, signing_keys

SECONDS = NOW // 1000


def signed(bearer: str | None = None, body: bytes = b"{}", **endpoint: object) -> Head:
    return Letterhead(an_endpoint(**endpoint), STANDARD).sign(body, Message("evt_5", NOW), bearer)


def test_a_head_is_the_request_line_and_header_lines_without_the_empty_line() -> None:
    head = signed(headers={"X-Team": "films"}).head
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /in?x=1 HTTP/1.1"
    assert lines[-1] == ""
    assert "" not in lines[:-1]
    assert dict(header_lines(head)) == {
        "Host": "hooks.example.com",
        "User-Agent": f"Reelhook/{__version__}",
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "Accept": "*/*",
        "X-Team": "films",
        "webhook-id": "evt_5",
        "webhook-timestamp": str(SECONDS),
        "webhook-signature": dict(header_lines(head))["webhook-signature"],
        "Content-Length": "2",
    }


def test_the_signature_in_the_head_is_that_of_the_body() -> None:
    tokens = dict(header_lines(signed(body=b'{"a":1}').head))["webhook-signature"]
    expected = dict(
        STANDARD.sign(b'{"a":1}', Message("evt_5", NOW), signing_keys(an_endpoint(), STANDARD), an_endpoint())
    )["webhook-signature"]
    assert tokens == expected


def test_all_good_secrets_and_the_ed25519_key_sign_in_this_order() -> None:
    retired = (RetiredSecret(Secret(OTHER_SECRET), NOW + 1), RetiredSecret(Secret(OTHER_SECRET), NOW))
    head = signed(retired_secrets=retired, signing_key=Secret(new_signing_key(bytes(32)))).head
    tokens = dict(header_lines(head))["webhook-signature"].split(" ")
    assert [token.partition(",")[0] for token in tokens] == ["v1", "v1", "v1a"]


@pytest.mark.parametrize(
    ("auth", "line"),
    [
        (BasicAuth("ida", Secret("geheim:ü")), "Basic " + base64.b64encode("ida:geheim:ü".encode()).decode()),
        (BearerAuth(Secret("tok-1")), "Bearer tok-1"),
    ],
)
def test_credentials_go_out_and_are_masked_in_the_log(auth: BasicAuth | BearerAuth, line: str) -> None:
    head = signed(auth=auth)
    assert dict(header_lines(head.head))["Authorization"] == line
    assert dict(header_lines(head.masked))["Authorization"] == "***"
    assert line.encode() not in head.masked


def test_an_access_token_comes_with_the_attempt() -> None:
    oauth = OAuth2Auth("client_credentials", "https://id.example.com/token", client_id="a", client_secret=Secret("b"))
    head = signed("eyJ.abc", auth=oauth)
    assert b"Authorization: Bearer eyJ.abc\r\n" in head.head
    assert b"Authorization: ***\r\n" in head.masked
    assert b"eyJ" not in head.masked


@pytest.mark.parametrize(
    "name", ["X-Api-Key", "x_api_key", "X-Auth", "Authorization", "X-Token", "X-Client-Secret", "Apikey", "X-Key"]
)
def test_custom_headers_that_speak_of_secrets_are_masked(name: str) -> None:
    head = signed(headers={name: "s3cr3t", "X-Team": "films"})
    assert b"s3cr3t" in head.head
    assert b"s3cr3t" not in head.masked
    assert b"X-Team: films" in head.masked


def test_both_twins_have_the_same_lines() -> None:
    head = signed(auth=BearerAuth(Secret("tok")), headers={"X-Api-Key": "k"})
    names = [name for name, _ in header_lines(head.head)]
    assert names == [name for name, _ in header_lines(head.masked)]


def test_an_accept_header_of_the_customer_replaces_ours() -> None:
    head = signed(headers={"accept": "text/plain"}).head.lower()
    assert head.count(b"\r\naccept:") == 1


def test_a_cloudevents_letterhead_carries_its_media_type() -> None:
    head = Letterhead(an_endpoint(), CLOUD_EVENTS).sign(b"{}", Message("evt_5", NOW)).head
    assert b"Content-Type: application/cloudevents+json; charset=utf-8\r\n" in head


def test_the_host_keeps_its_port_and_brackets() -> None:
    head = signed(url="http://[2606:4700::1111]:8080/x").head
    assert b"Host: [2606:4700::1111]:8080\r\n" in head


@pytest.mark.fault("S11")
@given(text=st.text(max_size=12), place=st.sampled_from(["name", "value", "token"]))
def test_nothing_that_slipped_through_can_add_a_line(text: str, place: str) -> None:
    headers = {"X-A" + text: "1"} if place == "name" else {"X-A": "1" + text} if place == "value" else {}
    lines = header_lines(signed("t").head)
    try:
        head = signed("t" + text if place == "token" else "t", headers=headers)
    except Invalid:
        return
    assert head.head.count(b"\r\n") == head.head.count(b"\n") == head.head.count(b"\r")
    assert head.head.count(b"\n") == len(lines) + 1 + len(headers)


def test_a_letterhead_shows_no_secret() -> None:
    letterhead = Letterhead(an_endpoint(auth=BearerAuth(Secret("tok"))), STANDARD)
    assert repr(letterhead) == "Letterhead(***)"
    assert not hasattr(letterhead, "__dict__")
