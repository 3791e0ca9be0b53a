from ipaddress import ip_network
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.samples import an_endpoint

from reelhook.dialects.cloudevents import CLOUD_EVENTS
from reelhook.dialects.standard import STANDARD
from reelhook.errors import FieldError
from reelhook.model.endpoint import (
    BasicAuth,
    BearerAuth,
    ChangeCondition,
    Conditions,
    ExponentialRetry,
    FixedRetry,
    MutualTlsAuth,
    OAuth2Auth,
    Payload,
    RateLimit,
    ScheduleRetry,
)
from reelhook.model.header_names import FORBIDDEN, FORBIDDEN_PREFIXES, is_forbidden
from reelhook.model.secret import Secret
from reelhook.pipeline.check import check_endpoint

LOOPBACK = (ip_network("127.0.0.0/8"),)


def errors(exceptions: Any = (), **fields: Any) -> list[FieldError]:
    return check_endpoint(an_endpoint(**fields), STANDARD, exceptions)


def pointers(exceptions: Any = (), **fields: Any) -> list[str]:
    return [error.pointer for error in errors(exceptions, **fields)]


def test_a_good_endpoint_has_no_errors() -> None:
    rich: dict[str, Any] = {
        "name": "Library sync, Tromsø",
        "events": ("asset.*", "category:live", "endpoint.disabled"),
        "conditions": Conditions((ChangeCondition(event="asset.moved", to=1),), "event.data.a == 1"),
        "payload": Payload(("asset.title",), ("custom_metadata",)),
        "headers": {"X-Team": "films", "Authorization": "Key abc"},
        "retry": ScheduleRetry((0, 5, 604800)),
        "timeout": 30,
        "rate_limit": RateLimit(10, 1),
        "concurrency": 1000,
        "notify_emails": ("ida@example.com", "o'neil+x@sub.example.co.uk"),
        "options": {"ed25519": True},
        "metadata": {"owner": "films"},
    }
    assert errors() == []
    assert errors(**rich) == []
    assert check_endpoint(an_endpoint(**rich), CLOUD_EVENTS, ()) == []


@pytest.mark.parametrize(
    ("url", "exceptions", "good"),
    [
        ("https://example.com/a", (), True),
        ("ftp://example.com", (), False),
        ("https://user:pw@example.com", (), False),
        ("http://127.0.0.1:9/x", (), False),
        ("http://127.0.0.1:9/x", LOOPBACK, True),
        ("http://localhost:9/x", LOOPBACK, True),
        ("http://169.254.169.254/latest", LOOPBACK, False),
        ("https://example.com/a b", (), False),
        ("https://example.com/\r\nX: y", (), False),
        ("", (), False),
    ],
)
def test_a_url_must_be_one_that_may_be_called(url: str, exceptions: Any, good: bool) -> None:
    assert pointers(exceptions, url=url) == ([] if good else ["/url"])
    assert pointers(exceptions, url=url, hostname="x") == ([] if good else ["/hostname"])


@pytest.mark.fault("S12")
@pytest.mark.parametrize("name", sorted({*FORBIDDEN, *(prefix + "x" for prefix in FORBIDDEN_PREFIXES)}))
def test_headers_that_are_not_the_customers_are_refused_in_any_case(name: str) -> None:
    for spelled in (name, name.title(), name.upper()):
        assert is_forbidden(spelled)
        assert pointers(headers={spelled: "x"}) == [f"/headers/{spelled}"]


@pytest.mark.fault("S12")
@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Length",
        "webhook-id",
        "Webhook-Signature",
        "ce-id",
        "Signature-Input",
        "Cookie",
        "Expect",
        "X-Amz-Security-Token",
        "X-Goog-IAP-JWT-Assertion",
        "Transfer-Encoding",
        "Proxy-Authorization",
        "TE",
    ],
)
def test_the_list_of_the_conventions_is_complete(name: str) -> None:
    assert pointers(headers={name: "x"}) == [f"/headers/{name}"]


@pytest.mark.fault("S11")
@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\r\nX-Evil: 1", "é", "\x7f", "\x1b", "\u2028", "\ud800"])
def test_control_and_non_ascii_characters_are_refused_wherever_headers_are_made_of(bad: str) -> None:
    assert pointers(headers={"X-A": f"a{bad}b"}) == ["/headers/X-A"]
    assert pointers(headers={f"X{bad}A": "a"}) == [f"/headers/X{bad}A"]
    assert pointers(auth=BearerAuth(Secret(f"a{bad}b"))) == ["/auth/token"]
    assert pointers(url=f"https://example.com/{bad}") == ["/url"]


@pytest.mark.fault("S11")
@given(name=st.text(max_size=10), value=st.text(max_size=10))
def test_headers_that_pass_can_be_written(name: str, value: str) -> None:
    if not errors(headers={name: value}):
        line = f"{name}: {value}"
        assert line.isascii()
        assert line.isprintable() or "\t" in line
        assert name
        assert ":" not in name
        assert " " not in name


@pytest.mark.parametrize(
    ("headers", "where"),
    [
        ({"X A": "1"}, ["/headers/X A"]),
        ({"": "1"}, ["/headers/"]),
        ({"X/A~": "ü"}, ["/headers/X~1A~0", "/headers/X~1A~0"]),
        ({"X-A": "1", "x-a": "2"}, ["/headers/x-a"]),
        ({"X-A": " a"}, ["/headers/X-A"]),
        ({"X-A": ""}, []),
        ({"X-A": "a\tb c"}, []),
        ({f"X-{number}": "1" for number in range(51)}, ["/headers"]),
        ({f"X-{number}": "v" * 1000 for number in range(9)}, ["/headers"]),
    ],
)
def test_headers_have_names_values_and_bounds(headers: dict[str, str], where: list[str]) -> None:
    assert pointers(headers=headers) == where


def test_an_authorization_header_beside_auth_is_refused() -> None:
    assert pointers(headers={"authorization": "x"}, auth=BearerAuth(Secret("t"))) == ["/headers/authorization"]


@pytest.mark.parametrize(
    ("retry", "where"),
    [
        (ScheduleRetry((0,) * 30), []),
        (ScheduleRetry((0,) * 31), ["/retry/delays"]),
        (ScheduleRetry((5, 5, 5, -1)), ["/retry/delays/3"]),
        (ScheduleRetry((604801,)), ["/retry/delays/0"]),
        (ScheduleRetry((float("nan"),)), ["/retry/delays/0"]),
        (FixedRetry(31, 5), ["/retry/retries"]),
        (FixedRetry(-1, -1), ["/retry/retries", "/retry/delay"]),
        (ExponentialRetry(5, 10, 5), ["/retry/maximum"]),
        (ExponentialRetry(5, -1, float("inf")), ["/retry/base", "/retry/maximum"]),
    ],
)
def test_a_retry_policy_has_bounds(retry: Any, where: list[str]) -> None:
    assert pointers(retry=retry) == where


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"timeout": 0.05}, ["/timeout"]),
        ({"timeout": 120.5}, ["/timeout"]),
        ({"concurrency": 0}, ["/concurrency"]),
        ({"concurrency": 1001}, ["/concurrency"]),
        ({"rate_limit": RateLimit(0, 0)}, ["/rate_limit/count", "/rate_limit/per"]),
        ({"rate_limit": RateLimit(1, 1e9)}, ["/rate_limit/per"]),
        ({"name": "x" * 201}, ["/name"]),
        ({"name": "a\nb"}, ["/name"]),
        ({"events": ("asset.created", "a b")}, ["/events/1"]),
        ({"events": ("asset.created",) * 501}, ["/events"]),
        ({"notify_emails": ("ida@example.com", "ida", "a@b@c", "a b@c.d", "<a@b.c>")}, None),
        ({"notify_emails": ("a@b.c",) * 21}, ["/notify_emails"]),
        ({"metadata": {"a": "x" * 17_000}}, ["/metadata"]),
        ({"options": {"color": "red"}}, ["/options/color"]),
        ({"payload": Payload(groups=("exif",))}, ["/payload/groups/0"]),
        ({"secret": Secret("tooshort")}, ["/secret"]),
        ({"conditions": Conditions(expression="1 +")}, ["/conditions/expression"]),
        ({"conditions": Conditions((ChangeCondition(event="a b"),))}, ["/conditions/changes/0/event"]),
    ],
)
def test_every_field_has_bounds_and_a_pointer(fields: dict[str, Any], where: list[str] | None) -> None:
    expected = [f"/notify_emails/{place}" for place in (1, 2, 3, 4)] if where is None else where
    assert pointers(**fields) == expected


def oauth(grant: Any, url: str = "https://id.example.com/token", **fields: Any) -> OAuth2Auth:
    secrets = {name: Secret(fields.pop(name)) for name in ("password", "client_secret") if name in fields}
    return OAuth2Auth(grant, url, **fields, **secrets)


@pytest.mark.parametrize(
    ("auth", "where"),
    [
        (BasicAuth("ida", Secret("p:ü w")), []),
        (BasicAuth("i:da", Secret("p")), ["/auth/username"]),
        (BasicAuth("", Secret("p")), ["/auth/username"]),
        (BasicAuth("ida\n", Secret("p\0")), ["/auth/username", "/auth/password"]),
        (BearerAuth(Secret("")), ["/auth/token"]),
        (BearerAuth(Secret("a b")), ["/auth/token"]),
        (BearerAuth(Secret("a" * 4097)), ["/auth/token"]),
        (oauth("password", username="u", password="p"), []),
        (oauth("password", username="u", password="p", client_id="c"), []),
        (oauth("password"), ["/auth/username", "/auth/password"]),
        (oauth("password", username="u", password="p", client_secret="s"), ["/auth/client_id"]),
        (oauth("client_credentials", client_id="c", client_secret="s", scope="a b"), []),
        (oauth("client_credentials", client_secret="s"), ["/auth/client_id"]),
        (oauth("client_credentials", client_id="c", client_secret="s", scope=" a"), ["/auth/scope"]),
        (oauth("client_credentials", "http://id.example.com", client_id="c", client_secret="s"), ["/auth/token_url"]),
        (oauth("client_credentials", "https://10.0.0.1/", client_id="c", client_secret="s"), ["/auth/token_url"]),
        (oauth("client_credentials", "token", client_id="c", client_secret="s"), ["/auth/token_url"]),
    ],
)
def test_credentials_are_complete_and_of_characters_that_http_carries(auth: Any, where: list[str]) -> None:
    assert pointers(auth=auth) == where


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://127.0.0.1:1/t", True),
        ("http://localhost/t", True),
        ("http://203.0.114.1/t", False),
        ("http://id.example.com/t", False),
        ("http://sub.localhost/t", False),
        ("https://id.example.com/t", True),
    ],
)
def test_a_token_url_may_be_plain_only_for_an_address_inside_the_operators_networks(url: str, good: bool) -> None:
    auth = oauth("client_credentials", url, client_id="c", client_secret="s")
    assert pointers(LOOPBACK, auth=auth) == ([] if good else ["/auth/token_url"])


def test_localhost_may_be_called_plainly_only_when_loopback_is_among_the_networks() -> None:
    auth = oauth("client_credentials", "http://localhost/t", client_id="c", client_secret="s")
    assert pointers((ip_network("10.0.0.0/8"),), auth=auth) == ["/auth/token_url"]


def test_a_client_certificate_must_load_and_match_its_key() -> None:
    authority = trustme.CA()
    mine, other = authority.issue_cert("a.example.com"), authority.issue_cert("b.example.com")
    certificate, key = mine.cert_chain_pems[0].bytes().decode(), mine.private_key_pem.bytes().decode()
    wrong_key = other.private_key_pem.bytes().decode()
    assert pointers(auth=MutualTlsAuth(certificate, Secret(key))) == []
    assert pointers(auth=MutualTlsAuth(certificate, Secret(wrong_key))) == ["/auth/private_key"]
    assert pointers(auth=MutualTlsAuth("no pem", Secret(key))) == ["/auth/certificate"]
    assert pointers(auth=MutualTlsAuth(certificate, Secret("no pem"))) == ["/auth/private_key"]
    assert pointers(auth=MutualTlsAuth(certificate * 50, Secret(key))) == ["/auth/certificate"]


def test_no_message_quotes_a_secret() -> None:
    auth = oauth("client_credentials", "http://id.example.com", client_id="c", client_secret="hunter2 ü")
    found = errors(auth=auth, secret=Secret("hunter2 ü"), headers={"X-Key": "hunter2 ü"})
    found += errors(auth=BasicAuth("a:hunter2", Secret("hunter2\n")))
    found += errors(auth=BearerAuth(Secret("hunter2 ü")))
    assert len(found) >= 5
    assert not any("hunter2" in error.detail for error in found)
