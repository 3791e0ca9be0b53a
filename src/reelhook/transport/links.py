"""Fresh links of an asset, asked for at its app over the guarded wire: a signed POST, kept while it is of use."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from reelhook import __version__
from reelhook.model.access import LinkRefresh
from reelhook.model.attempt import PrepareFailed
from reelhook.model.http import Request, Response
from reelhook.model.instant import read_time
from reelhook.model.secret import Secret
from reelhook.model.url import parse_target
from reelhook.ports import Clock, FreshLinks, Wire

Sign = Callable[[Secret, bytes, int], list[tuple[str, str]]]
"""Returns the headers that identify and sign a body now (wall time, ms)."""
_Key = tuple[str, str, str | int | None, bytes]
"""App, address, and by which ids it is asked for an asset."""

_MARGIN_MS: Final = 5 * 60 * 1000
"""A kept link is not used with less life than this."""
_MOST_KEPT: Final = 2_000
_LONGEST_LINK: Final = 8 * 1024


class _Answer(msgspec.Struct):
    url: str | None = None
    thumbnail_url: str | None = None
    expires_at: str | None = None


class LinkSource:
    """Implements `Links`: one request for each asset, however many attempts wait for it."""

    def __init__(self, wire: Wire, clock: Clock, sign: Sign, *, timeout: float = 10.0) -> None:
        self._wire = wire
        self._clock = clock
        self._sign = sign
        self._timeout = timeout
        self._kept: dict[_Key, FreshLinks] = {}
        self._under_way: dict[_Key, asyncio.Task[FreshLinks | PrepareFailed]] = {}

    async def refresh(
        self, app_id: str, where: LinkRefresh, asset_id: str | int | None, ids: Mapping[str, Any]
    ) -> FreshLinks:
        """Return fresh links, kept ones where they live long enough.

        Raises:
            PrepareFailed: none could be had; its detail holds no secret, and nothing of what was answered.
        """
        key = (app_id, where.url, asset_id, msgspec.json.encode(ids, order="sorted"))
        kept = self._kept.get(key)
        if kept is not None and not _lives(kept, self._clock.wall()):
            del self._kept[key]
            kept = None
        return kept or await self._join(key, where, ids)

    async def _join(self, key: _Key, where: LinkRefresh, ids: Mapping[str, Any]) -> FreshLinks:
        """Wait for the request under way, or make one; it goes on when one of those who wait gives up."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._fetch(key, where, ids))
        outcome = await asyncio.shield(task)
        if isinstance(outcome, PrepareFailed):
            raise PrepareFailed(outcome.detail, transient=outcome.transient)
        return outcome

    async def _fetch(self, key: _Key, where: LinkRefresh, ids: Mapping[str, Any]) -> FreshLinks | PrepareFailed:
        try:
            response = await self._wire.send(self._request(where, key[2], ids))
            links = _read(response, self._clock.wall())
        except PrepareFailed as failed:
            return failed.with_traceback(None)
        finally:
            del self._under_way[key]
        if links.url and links.thumbnail_url and _lives(links, self._clock.wall()):
            self._keep(key, links)
        return links

    def _request(self, where: LinkRefresh, asset_id: str | int | None, ids: Mapping[str, Any]) -> Request:
        try:
            target = parse_target(where.url)
        except ValueError as error:
            raise _failed(f"its url cannot be called: {error}") from error
        body = msgspec.json.encode({"asset_id": asset_id, "ids": ids})
        signed = self._sign(where.secret, body, self._clock.wall())
        head = (
            f"POST {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: Reelhook/{__version__}\r\n"
            "Accept: application/json\r\nAccept-Encoding: identity\r\nContent-Type: application/json\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in signed)
            + f"Content-Length: {len(body)}\r\n"
        )
        return Request(target, head.encode("ascii"), body, self._timeout)

    def _keep(self, key: _Key, links: FreshLinks) -> None:
        """Keep links; of too many, the oldest go."""
        self._kept.pop(key, None)
        self._kept[key] = links
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]


def _read(response: Response, now: int) -> FreshLinks:
    """Take the links out of an answer."""
    if response.failure is not None:
        raise _failed(f"no answer. {response.error}")
    if response.status is None or not 200 <= response.status < 300:
        raise _failed(f"it answered {response.status}")
    try:
        answer = msgspec.json.decode(response.body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _failed("its answer is not the JSON {url, thumbnail_url, expires_at}") from None
    try:
        expires_at = None if answer.expires_at is None else read_time(answer.expires_at)
    except ValueError:
        raise _failed("its expires_at is not an RFC 3339 time") from None
    if not all(_is_link(one) for one in (answer.url, answer.thumbnail_url) if one is not None):
        raise _failed("what it gave is no http or https link")
    if expires_at is not None and expires_at <= now:
        raise _failed("the link that it gave has expired already")
    return FreshLinks(answer.url, answer.thumbnail_url, expires_at)


def _failed(why: str) -> PrepareFailed:
    return PrepareFailed(f"No fresh link could be had from the app's link_refresh: {why.rstrip('.')}.", transient=True)


def _lives(links: FreshLinks, now: int) -> bool:
    return links.expires_at is not None and links.expires_at - now >= _MARGIN_MS


def _is_link(url: str) -> bool:
    plain = len(url) <= _LONGEST_LINK and not any(character <= " " or character == "\x7f" for character in url)
    return plain and url.lower().startswith(("http://", "https://"))
