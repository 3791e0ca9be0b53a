"""Runs the receiver that VideoCloud's documentation shows in Python, letter for letter."""

import hashlib
import hmac
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from tests.support.listener import Got, Reply
from tests.support.program import Api

SAMPLE: Final = (Path(__file__).parent / "videocloud_sample.py.txt").read_text()


class Headers:
    """Header names in any case, as Flask has them."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def get(self, name: str) -> str | None:
        return self._headers.get(name.lower())


class Request:
    """Stands in for Flask's request: the one that is being answered."""

    def __init__(self) -> None:
        self.got = Got("POST", "/", {}, b"")

    @property
    def headers(self) -> Headers:
        return Headers(self.got.headers)

    @property
    def json(self) -> Any:
        return self.got.json()

    def get_data(self) -> bytes:
        return self.got.body


class Sdk:
    """Stands in for VideoCloud's SDK: it makes the HTTP call that one makes, and checks signatures as documented."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.webhooks = self

    def register(self, *, url: str, events: list[str], secret: str) -> SimpleNamespace:
        made = self._api.post("/compat/videocloud/webhooks", {"url": url, "events": events, "secret": secret})
        return SimpleNamespace(**made["data"])

    def verify_signature(self, payload: bytes, signature: str | None, secret: str) -> bool:
        expected = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, signature or "")


class Sample:
    """The documentation's receiver. `webhook_id` is what registering gave; `processed` are the events it took."""

    def __init__(self, api: Api) -> None:
        self._request = Request()
        self.processed: list[Any] = []
        room: dict[str, Any] = {"__name__": "sample", "process_webhook": SimpleNamespace(delay=self.processed.append)}
        with patch.dict(
            sys.modules, {"flask": self._flask(), "videocloud": _module(VideoCloud=lambda api_key: Sdk(api))}
        ):
            exec(SAMPLE, room)  # noqa: S102 - the documentation's own text
        self._handle: Callable[[], Any] = room["handle_webhook"]
        self.webhook_id: str = room["webhook"].id

    def answer(self, got: Got) -> Reply:
        """Answer a request as the sample does."""
        self._request.got = got
        answered = self._handle()
        body, status = answered if isinstance(answered, tuple) else (answered, 200)
        return Reply(status, json.dumps(body).encode())

    def _flask(self) -> ModuleType:
        def route(_path: str, methods: list[str]) -> Callable[[Any], Any]:
            assert methods == ["POST"]
            return lambda handler: handler

        return _module(Flask=lambda _name: SimpleNamespace(route=route), request=self._request, jsonify=lambda it: it)


def _module(**names: Any) -> ModuleType:
    module = ModuleType("stand_in")
    module.__dict__.update(names)
    return module
