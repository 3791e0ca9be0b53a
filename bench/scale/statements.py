"""The statements of `day.sql`, with the numbers of a day and the words of a database put in."""

import re
from pathlib import Path
from typing import Final, NamedTuple

from bench.scale import shape
from bench.scale.shape import Day
from reelhook.model import ids

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_PARTS: Final = _NAME.split((Path(__file__).parent / "day.sql").read_text())[1:]
_TEXTS: Final = dict(zip(_PARTS[::2], _PARTS[1::2], strict=True))
PAST: Final = ("events", "deliveries", "attempts", "retried_events", "retries", "queue", "failures", "details")
BACKLOG: Final = tuple(name for name in _TEXTS if name.startswith("backlog_"))
PARTED: Final = ("events", "deliveries", "attempts", "attempt_details")
"""Tables that PostgreSQL cuts by days."""
_HEAD: Final = (
    "POST /h HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n"
    "User-Agent: Reelhook/0\r\nwebhook-id: evt_0000000000000000\r\nwebhook-timestamp: 1795242600\r\n"
    "webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
)
_PREFIX: Final = '{"type":"asset.updated","timestamp":"2026-11-21T06:00:00Z","data":'
_RESPONSE: Final = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 06:00:00 GMT"


class Words(NamedTuple):
    """What a database writes in its own way: bytes out of a text (`{}`), numbers from 0 to below `{}`, and whether a
    delivery holds its type.
    """

    to_bytes: str
    numbers: str
    typed: bool


SQLITE: Final = Words(
    "CAST({} AS BLOB)",
    "(WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) "
    "SELECT i AS {name} FROM n WHERE i < {count}) numbers_{name}",
    typed=False,
)
POSTGRES: Final = Words(
    "convert_to({}, 'UTF8')", "generate_series(0::bigint, {count} - 1) AS numbers_{name} ({name})", typed=True
)


def texts(names: tuple[str, ...], day: Day, words: Words, suffix: str = "") -> list[str]:
    """Return statements for a day; the tables that are cut by days get a suffix."""
    values = _values(day, words) | {table: table + suffix for table in PARTED}
    return [_TEXTS[name].format_map(values) for name in names]


def _values(day: Day, words: Words) -> dict[str, object]:
    place = f"(i + {day.retries_before})"
    due, rest = shape.CLAIMED * shape.BATCH, shape.CLAIMED + shape.DRAINED
    return day._asdict() | {
        "epoch_ms": ids.EPOCH_MS,
        "fan_out": shape.FAN_OUT,
        "tries": shape.TRIES,
        "claimed": shape.CLAIMED,
        "drained": shape.DRAINED,
        "numbers_of_events": words.numbers.format(count=day.events, name="i"),
        "numbers_of_retries": words.numbers.format(count=day.retries, name="i"),
        "numbers_of_backlog": words.numbers.format(count=shape.BACKLOG, name="i"),
        "numbers_of_fan_out": words.numbers.format(count=shape.FAN_OUT, name="j"),
        "numbers_of_tries": words.numbers.format(count=shape.TRIES, name="j"),
        "endpoint_of_retry": f"{day.first_endpoint} + CASE WHEN {place} < {due} THEN {place} % {shape.CLAIMED} "
        f"ELSE {rest} + {place} % ({day.endpoints} - {rest}) END",
        "due_of_retry": f"{day.now} + CASE WHEN {place} < {due} THEN {place} - 60000 "
        f"ELSE 7200000 + {place} * 7919 % 79200000 END",
        "event_type": "event_type," if words.typed else "",
        "type_of_event": "CASE i % 3 WHEN 0 THEN 'asset.uploaded' ELSE 'asset.updated' END," if words.typed else "",
        "type_of_retry": "'asset.updated'," if words.typed else "",
        "asset": words.to_bytes.format(
            '\'{"asset":{"id":"v\' || (i % 100000) || \'","kind":"video","title":"\' || \'' + "x" * 560 + "' || '\"}}'"
        ),
        "head": words.to_bytes.format(f"'{_HEAD}'"),
        "prefix": words.to_bytes.format(f"'{_PREFIX}'"),
        "suffix": words.to_bytes.format("'}'"),
        "response_head": words.to_bytes.format(f"'{_RESPONSE}'"),
        "nothing": words.to_bytes.format("''"),
        "timing": words.to_bytes.format("'[0.1,0.2,0,12,12.5]'"),
    }
