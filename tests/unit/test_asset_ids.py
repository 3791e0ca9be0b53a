import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelhook.store.asset_ids import asset_ids


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"asset": {"id": "v1"}}', {"v1"}),
        (b'{"asset": {"id": 77, "ids": {"vimeo": "9", "scaleflex": null, "wochit": 5}}}', {"77", "9", "5"}),
        (b'{"live": {"id": "l1", "ids": {"vimeo": "8"}}, "asset": {"title": "no id"}}', {"l1", "8"}),
        (b'{"asset": "v1"}', set()),
        (b'{"asset": {"id": true, "ids": ["a"]}}', set()),
        (b'{"asset": {"id": ""}}', set()),
        (b"[1, 2]", set()),
        (b'"text"', set()),
        (b"{", set()),
        (b"[" * 100_000, set()),
        (b'{"asset": {"id": "' + b"x" * 300 + b'"}}', set()),
    ],
)
def test_the_ids_of_an_asset_are_found_in_any_data(data: bytes, found: set[str]) -> None:
    assert asset_ids(data) == found


@given(st.binary(max_size=60))
def test_no_data_is_too_strange(data: bytes) -> None:
    assert isinstance(asset_ids(data), set)
