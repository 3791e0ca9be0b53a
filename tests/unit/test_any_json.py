"""JSON whose numbers are too large for a double: it is JSON all the same, and must stop nothing."""

import json
from math import inf

import msgspec
import pytest
from tests.unit.samples import an_endpoint, an_event

from reelhook.dialects.dialect import NO_CONTEXT
from reelhook.dialects.table import DIALECTS
from reelhook.model.any_json import read_any

LARGE = {"1e400": inf, "-1e400": -inf, "9" * 5000: inf, "-" + "9" * 5000: -inf, "9" * 400: int("9" * 400), "1.10": 1.1}


@pytest.mark.parametrize("text", LARGE, ids=lambda text: text[:8])
def test_every_number_is_read(text: str) -> None:
    assert read_any(f'{{"n": [{text}]}}'.encode()) == {"n": [LARGE[text]]}


@pytest.mark.parametrize("text", [b"", b"{", b"[1e400", b'{"a": 1e400,}'])
def test_what_is_no_json_is_none(text: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_any(text)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
@pytest.mark.parametrize("number", ["1e400", "9" * 5000], ids=["1e400", "5000 digits"])
def test_no_dialect_stumbles_over_a_number_beyond_a_double(dialect, number: str) -> None:
    fields = ("duration", "size", "width", "bitrate", "processing_time", "version", "user_id")
    asset = ", ".join(f'"{field}": {number}' for field in fields)
    data = (
        f'{{"asset": {{"id": "a1", "kind": "video", "metadata": {{"custom": {{"n": {number}}}}}, {asset}}}}}'.encode()
    )
    endpoint = an_endpoint(dialect=dialect.name, secret=None)
    for event_type in ("asset.uploaded", "asset.processed", "asset.updated", "asset.deleted"):
        if dialect.name_of(event_type, endpoint) is not None:
            body = dialect.shape(an_event(data, event_type), endpoint, NO_CONTEXT).data
            assert json.loads(body, parse_int=str)
