"""Merge-patches, idempotency keys and tokens as texts."""

import hashlib

import pytest

from reelhook.api.idempotency import read_idempotency_key
from reelhook.api.merge_patch import merge_patch, merge_tagged
from reelhook.api.reading import read_moment
from reelhook.api.token_text import looks_right, new_token, token_hash
from reelhook.errors import Invalid, Malformed


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [  # RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_does_what_its_standard_shows(target, patch, merged):
    assert merge_patch(target, patch) == merged


def test_another_tag_replaces_the_whole():
    basic = {"type": "basic", "username": "u", "password": "p"}
    assert merge_tagged(basic, {"type": "bearer", "token": "t"}, "type") == {"type": "bearer", "token": "t"}
    assert merge_tagged(basic, {"username": "v"}, "type") == basic | {"username": "v"}
    assert merge_tagged(None, {"type": "none"}, "type") == {"type": "none"}


@pytest.mark.parametrize(
    ("header", "key"),
    [(b"abc", "abc"), (b'"abc"', "abc"), (b' "a b" ', "a b"), (rb'"a\"b\\c"', 'a"b\\c'), (None, None)],
)
def test_a_key_is_the_same_quoted_or_bare(header, key):
    assert read_idempotency_key(header) == key


@pytest.mark.parametrize("header", [b"", b'"', b'""', b'"abc', b"a b", b"a\tb", b"\xff", b"a" * 256, rb'"a\b"'])
def test_what_is_no_key_is_malformed(header):
    with pytest.raises(Malformed):
        read_idempotency_key(header)


def test_a_token_carries_a_checksum_and_only_its_hash_is_kept():
    token = new_token(bytes(range(24)))
    assert token.startswith("rhk_")
    assert new_token(bytes(24)) != token
    assert looks_right(token.encode())
    assert not looks_right(token[:-1].encode() + b"!")
    assert looks_right(b"the operator's own words")
    assert token_hash(token) == hashlib.sha256(token.encode()).digest()


def test_a_plus_that_a_query_string_took_for_a_blank_is_still_a_zone():
    assert read_moment("2026-01-01T02:00:00 02:00", "since") == read_moment("2026-01-01T00:00:00Z", "since")
    with pytest.raises(Invalid):
        read_moment("2026-01-01T02:00:00", "since")
