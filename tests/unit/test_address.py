from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelhook.model.address import allowed, refuse_literal, unmap
from reelhook.model.url import parse_target

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "100.64.0.1",
    "168.63.129.16",
    "0.0.0.0",  # noqa: S104 - judged, not bound to
    "0.1.2.3",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "240.0.0.1",
    "255.255.255.255",
]

TREACHEROUS = [
    "::",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "2001::1",
    "::127.0.0.1",
    "::10.0.0.1",
    "fec0::1",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "ff0e::1",
    "224.0.0.1",
    "239.255.255.255",
    "100::1",
    "2001:db8::1",
    "3fff::1",
    "3ffe::1",
    "5f00::1",
    "2001:2::1",
    "2001:10::1",
    "4000::1",
]

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
]


@pytest.mark.fault("S1")
@pytest.mark.parametrize("text", PRIVATE)
def test_private_local_and_reserved_addresses_are_denied(text):
    assert not allowed(ip_address(text), ())


@pytest.mark.fault("S2")
@pytest.mark.parametrize("text", TREACHEROUS)
def test_addresses_that_the_standard_library_thinks_global_are_denied(text):
    assert not allowed(ip_address(text), ())


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_allowed(text):
    assert allowed(ip_address(text), ())


@pytest.mark.fault("S1")
@given(st.ip_addresses())
def test_what_is_allowed_is_public_for_the_standard_library_too(address):
    if allowed(address, ()):
        assert unmap(address).is_global
        assert not unmap(address).is_multicast


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_like_the_address_within(address):
    assert allowed(ip_address(f"::ffff:{address}"), ()) == allowed(address, ())


def test_the_operators_exceptions_win_and_reach_mapped_addresses_too():
    exceptions = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")]
    assert allowed(ip_address("10.1.2.3"), exceptions)
    assert allowed(ip_address("::ffff:10.1.2.3"), exceptions)
    assert allowed(ip_address("fd00:1::5"), exceptions)
    assert not allowed(ip_address("10.2.0.1"), exceptions)
    assert not allowed(ip_address("64:ff9b::a01:203"), exceptions), "an embedded address is not the address"


@pytest.mark.fault("S1")
@pytest.mark.fault("S3")
@pytest.mark.parametrize("text", [*PRIVATE, *TREACHEROUS])
def test_a_literal_is_refused_when_it_is_saved_without_naming_the_address(text):
    host = f"[{text}]" if ":" in text else text
    refused = refuse_literal(parse_target(f"http://{host}/"), ())
    assert refused is not None
    assert "blocked address" in refused
    assert text not in refused


@pytest.mark.fault("S1")
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "a.localhost", "a.b.localhost"])
def test_localhost_counts_as_loopback(host):
    target = parse_target(f"http://{host}:8080/")
    assert refuse_literal(target, ()) is not None
    assert refuse_literal(target, [ip_network("127.0.0.0/8")]) is None
    assert refuse_literal(target, [ip_network("::1/128")]) is None


@pytest.mark.parametrize("host", ["example.com", "notlocalhost", "localhost.example.com", "8.8.8.8", "[2606:4700::1]"])
def test_nothing_speaks_against_public_hosts_and_names_yet_unresolved(host):
    assert refuse_literal(parse_target(f"https://{host}/"), ()) is None
