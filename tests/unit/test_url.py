from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelhook.model.url import LONGEST_URL, join, parse_target

GOOD = {
    "https://example.com": ("https", "example.com", 443, "example.com", "/"),
    "https://example.com/": ("https", "example.com", 443, "example.com", "/"),
    "HTTPS://Example.COM:443/A": ("https", "example.com", 443, "example.com", "/A"),
    "http://example.com:8080/hook?a=b&c=%20": ("http", "example.com", 8080, "example.com:8080", "/hook?a=b&c=%20"),
    "http://example.com?x=1": ("http", "example.com", 80, "example.com", "/?x=1"),
    "https://example.com:80/": ("https", "example.com", 80, "example.com:80", "/"),
    "http://my_service.internal/": ("http", "my_service.internal", 80, "my_service.internal", "/"),
    "http://localhost:3000/": ("http", "localhost", 3000, "localhost:3000", "/"),
    "http://203.0.113.9/": ("http", "203.0.113.9", 80, "203.0.113.9", "/"),
    "http://[2001:DB8::0:1]:81/": ("http", "2001:db8::1", 81, "[2001:db8::1]:81", "/"),
    "https://[2606:4700::1111]/x": ("https", "2606:4700::1111", 443, "[2606:4700::1111]", "/x"),
    "https://bücher.example/": ("https", "xn--bcher-kva.example", 443, "xn--bcher-kva.example", "/"),
    "https://BÜCHER.example/": ("https", "xn--bcher-kva.example", 443, "xn--bcher-kva.example", "/"),
    "https://example.com/@me": ("https", "example.com", 443, "example.com", "/@me"),
    "https://example.com//a//b": ("https", "example.com", 443, "example.com", "//a//b"),
    "https://4.example/": ("https", "4.example", 443, "4.example", "/"),
    "https://0x7f.example/": ("https", "0x7f.example", 443, "0x7f.example", "/"),
}

LEGACY_IPV4 = [
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.01/",
    "http://127.0.0.0x1/",
    "http://127.0.0.1.5/",
    "http://256.0.0.1/",
    "http://example.1/",
    "http://example.0x/",
    "http://1e3.08/",
    "http://\uff11\uff12\uff17.0.0.1/",  # full-width digits
    "http://127\u30020\u30020\u30021/",  # ideographic full stops
    "http://\u2460\u2461\u2466.0.0.1/",  # circled digits
]

CONFUSING = [
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http:\\\\example.com/",
    "http://example.com#@127.0.0.1/",
    "http://example.com/#part",
    "http://example.com:80#@127.0.0.1/",
    "http://[::1]@example.com/",
    "http://[::1%25eth0]/",
    "http://[::1%eth0]/",
    "http://[::1/",
    "http://[::1]x/",
    "http://[127.0.0.1]/",
    "http://[::1]]/",
    "http://[]/",
    "http://::1/",
    "http://fa\u00df.example/",  # IDNA 2003 and 2008 disagree on ß
    "http://exa\u200dmple.example/",
    "http://ex\u00adample.example/",  # soft hyphen, mapped to nothing
    "http://\u2488example.com/",
    "http\u017f://example.com/",  # a long s is an s when case is ignored
    "http://example\u2100.com/",
]

MALFORMED = [
    "",
    "example.com",
    "//example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http:/example.com",
    "http:///path",
    "http://",
    "https://:443/",
    "http://example.com:/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:080/",
    "http://example.com:+80/",
    "http://example.com:8o/",
    "http://example.com:\u0661/",
    "http://example.com:1:2/",
    "http://example.com./",
    "http://.example.com/",
    "http://a..b/",
    "http://-a.example/",
    "http://a-.example/",
    "http://a*b.example/",
    "http://exa%6dple.com/",
    f"http://{'a' * 64}.example/",
    f"http://{'.'.join(['a' * 60] * 5)}/",
    "http://example.com/" + "a" * LONGEST_URL,
    "http://example.com/ü",
    " http://example.com/",
    "http://example.com/ ",
    "http://exam ple.com/",
]

INJECTING = [f"http://example.com/{character}x" for character in "\r\n\0\t\x0b\x1f\x7f "] + [
    "http://example.com\r\nHost: evil/",
    "http://example\n.com/",
    "http://\0example.com/",
]


@pytest.mark.parametrize(("url", "expected"), GOOD.items())
def test_a_good_url_is_taken_apart(url, expected):
    target = parse_target(url)
    assert (target.scheme, target.host, target.port, target.authority, target.path) == expected


@pytest.mark.fault("S3")
@pytest.mark.parametrize("url", LEGACY_IPV4)
def test_an_address_in_any_spelling_but_the_plain_one_is_refused(url):
    with pytest.raises(ValueError, match=r"IPv4|without doubt"):
        parse_target(url)


@pytest.mark.fault("S3")
@pytest.mark.parametrize("url", CONFUSING)
def test_a_url_that_two_readers_could_read_differently_is_refused(url):
    with pytest.raises(ValueError, match=r"^(a|an|the|what) "):
        parse_target(url)


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_url_is_refused_with_a_sentence(url):
    with pytest.raises(ValueError, match=r"^(a|an|the|what) .{10}"):
        parse_target(url)


@pytest.mark.fault("S11")
@pytest.mark.parametrize("url", INJECTING)
def test_no_control_character_gets_into_a_target(url):
    with pytest.raises(ValueError, match="control characters"):
        parse_target(url)


@pytest.mark.fault("S3")
@pytest.mark.fault("S11")
@given(
    st.one_of(
        st.text(max_size=60),
        st.builds(
            "{}://{}{}".format,
            st.sampled_from(["http", "https", "HTTP"]),
            st.text("abzäß0123456789.:@[]\\-_%x\u3002\uff11", max_size=24),
            st.text("/?#ab%&= \\\r\n@é", max_size=8),
        ),
    )
)
def test_whatever_passes_is_read_alike_by_others_and_by_ourselves(url):
    try:
        target = parse_target(url)
    except ValueError:
        return
    again = parse_target(target.url)
    assert again == target
    other = urlsplit(target.url)
    assert (other.hostname, other.port or {"http": 80, "https": 443}[other.scheme]) == (target.host, target.port)
    assert other.username is None
    assert all("\x21" <= character <= "\x7e" for character in target.url)
    assert not set("@\\#") & set(target.authority)
    assert 1 <= target.port <= 65535


JOINED = {
    ("example.com", "/hook"): "https://example.com/hook",
    ("example.com", "hook"): "https://example.com/hook",
    ("example.com", ""): "https://example.com/",
    ("example.com", "?a=b"): "https://example.com/?a=b",
    ("example.com:8443", "/a/b?c=d"): "https://example.com:8443/a/b?c=d",
    ("https://example.com", "/hook"): "https://example.com/hook",
    ("http://example.com", "/hook"): "http://example.com/hook",
    ("http://localhost:8080/", "/hook"): "http://localhost:8080/hook",
    ("[2606:4700::1]:99", "/"): "https://[2606:4700::1]:99/",
}


@pytest.mark.parametrize(("parts", "url"), JOINED.items())
def test_hostname_and_path_make_a_url(parts, url):
    assert join(*parts) == url


@pytest.mark.parametrize(
    ("hostname", "path"),
    [
        ("", "/x"),
        ("example.com/a", "/x"),
        ("example.com?a", "/x"),
        ("example.com#", "/x"),
        ("user@example.com", "/x"),
        ("ftp://example.com", "/x"),
        ("example.com", "/x#y"),
        ("example.com", "/x y"),
        ("127.1", "/"),
    ],
)
def test_a_hostname_that_is_more_or_less_than_a_host_is_refused(hostname, path):
    with pytest.raises(ValueError, match=r"^(a|an|the) "):
        join(hostname, path)
