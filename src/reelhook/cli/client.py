"""A small synchronous client of the API for the command line: one connection, no redirects, no proxies."""

import http.client
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from reelhook import __version__
from reelhook.cli.outcome import Exit, Stop, of_status
from reelhook.model.any_json import read_any
from reelhook.model.secret import MASK

_LARGEST_PAGE: Final = 500
_WHERE: Final = "is it running there, and is REELHOOK_URL right?"
_HOW_TO_SIGN_IN: Final = "set REELHOOK_TOKEN, or give --token-file"


class Refusal(Stop):
    """The server answered with an error; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, of_status(status))
        self.status = status


class Client:
    """Talks to one Reelhook with one token, on one app."""

    def __init__(self, url: str, token: str | None, app: str | None, timeout: float = 60.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            said = f"{_shown(url)!r} is not the URL of a server: expected http://host:port or https://host"
            raise Stop(said, Exit.USAGE)
        self.url = _shown(url).rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._headers = {"User-Agent": f"reelhook-cli/{__version__}", "Accept": "application/json"}
        if token is not None:
            if not (token.isascii() and token.isprintable()):
                raise Stop("the token has characters that no token has; check REELHOOK_TOKEN or the file", Exit.USAGE)
            self._headers["Authorization"] = f"Bearer {token}"
        if app is not None:
            self._headers["Reelhook-App"] = app
        self._connection = _connection(url, timeout)

    def get(self, path: str, **query: Any) -> Any:
        """Read one thing; query values that are None are left out."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Create or do something."""
        return self.call("POST", path, body=body, headers=headers)

    def patch(self, path: str, body: Any) -> Any:
        """Change something (RFC 7396 merge-patch)."""
        return self.call("PATCH", path, body=body)

    def delete(self, path: str) -> None:
        """Remove something."""
        self.call("DELETE", path)

    def list(self, path: str, limit: int, **query: Any) -> dict[str, Any]:
        """Read up to `limit` items of a list over as many pages as it takes, as one page."""
        items: list[Any] = []
        cursor: str | None = None
        for page in self.pages(path, min(limit, _LARGEST_PAGE), **query):
            items += page["items"]
            cursor = page.get("next")
            if len(items) >= limit:
                break
        return {"items": items[:limit], "next": cursor}

    def pages(self, path: str, size: int, **query: Any) -> Iterator[dict[str, Any]]:
        """Go through the pages of a list; a page may be short and still have a `next`."""
        cursor: str | None = None
        while True:
            page = self.get(path, limit=size, cursor=cursor, **query)
            yield page
            cursor = page.get("next")
            if cursor is None:
                return

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Make one request and return the decoded answer, None for an empty one.

        Raises:
            Refusal: the server answered with an error.
            Stop: it could not be reached, or its answer could not be read.
        """
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        target = self._prefix + path + (f"?{urlencode(asked)}" if asked else "")
        sent = dict(self._headers, **(headers or {}))
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            sent["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        status, answer = self._exchange(method, target, content, sent)
        return _decoded(status, answer, self.url)

    def _exchange(self, method: str, target: str, content: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        try:
            self._connection.request(method, target, content, headers)
            response = self._connection.getresponse()
            answer = response.read()
        except ValueError as wrong:
            raise Stop(f"this cannot be sent in a request: {wrong}", Exit.USAGE) from wrong
        except (OSError, http.client.HTTPException) as wrong:
            self._connection.close()
            raise Stop(f"cannot reach {self.url}: {_reason(wrong)}; {_WHERE}", Exit.UNREACHABLE) from wrong
        return response.status, answer


def route(*parts: str) -> str:
    """Write a path of the API; ids are quoted, so that none can leave its place."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _connection(url: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as wrong:
        raise Stop(f"{_shown(url)!r} is not the URL of a server: {wrong}", Exit.USAGE) from wrong
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=timeout)


def _reason(wrong: Exception) -> str:
    """Say why in one clause."""
    if isinstance(wrong, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({wrong.verify_message})"
    if isinstance(wrong, TimeoutError):
        return "it did not answer in time"
    if isinstance(wrong, OSError) and wrong.strerror:
        return wrong.strerror.lower()
    return str(wrong) or type(wrong).__name__


def _shown(url: str) -> str:
    """Write a URL for a message: a password that somebody put into it is not shown."""
    return re.sub(r"//[^/]*@", f"//{MASK}@", url)


def _decoded(status: int, answer: bytes, url: str) -> Any:
    good, value = 200 <= status < 300, None
    try:
        value = read_any(answer) if answer else None
    except (msgspec.DecodeError, RecursionError):
        if good:
            raise _stranger(status, url) from None
    if good:
        return value
    # What Reelhook does not have it says in a document, and it leads nobody elsewhere.
    if 300 <= status < 400 or (status in (404, 405) and not isinstance(value, dict)):
        raise _stranger(status, url)
    raise Refusal(status, _problem(status, value))


def _stranger(status: int, url: str) -> Stop:
    return Stop(f"{url} does not answer like a Reelhook ({status}); check REELHOOK_URL", Exit.UNREACHABLE)


def _problem(status: int, value: Any) -> str:
    """Put an RFC 9457 problem into one line."""
    if not isinstance(value, dict):
        return f"the server answered {status}"
    said = str(value.get("detail") or value.get("title") or f"the server answered {status}")
    for error in value.get("errors") or []:
        if str(error.get("detail")) not in said:
            said += f"; {error.get('pointer') or 'body'}: {error.get('detail')}"
    return f"{said} ({_HOW_TO_SIGN_IN})" if status == 401 else said
