"""Runs what VideoCloud's documentation shows in JavaScript, letter for letter, in Node.js."""

import json
import os
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

HERE: Final = Path(__file__).parent
CHECK: Final = (HERE / "videocloud_signature.js").read_text()
SAMPLE: Final = (HERE / "videocloud_sample.mjs").read_text()
_READ: Final = """
const { payload, signature, secret } = JSON.parse(require('fs').readFileSync(0));
console.log(verifyWebhookSignature(Buffer.from(payload, 'base64'), signature, secret));
"""
_MAIN: Final = "globalThis.processWebhook = async () => {};\nawait import('./sample.mjs');\n"


def verify(payload: bytes, signature: str, secret: str) -> bool:
    """Ask the documentation's `verifyWebhookSignature`; a signature of another length makes it throw."""
    asked = json.dumps({"payload": b64encode(payload).decode(), "signature": signature, "secret": secret})
    command = ["node", "-e", CHECK + _READ]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=60, check=True)
    return {"true": True, "false": False}[done.stdout.strip()]


class Sample:
    """The documentation's receiver, and the registration that it shows, called once at its end.

    `url` is where it listens, `webhook_id` what registering gave.
    """

    def __init__(self, folder: Path, api_url: str, api_key: str) -> None:
        _lay_out(folder)
        environment = {"PATH": os.environ["PATH"], "VIDEOCLOUD_URL": api_url, "VIDEOCLOUD_API_KEY": api_key}
        self._process = _start(folder, environment)
        said = self._lines(2)
        port = _found(r"listening on (\d+)", said)
        self.url = f"http://127.0.0.1:{port}/webhooks"
        self.webhook_id = _found(r"(whk_\w+)", said)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _lines(self, count: int) -> Sequence[str]:
        assert self._process.stdout is not None
        return [self._process.stdout.readline() for _ in range(count)]


def _lay_out(folder: Path) -> None:
    express, sdk = folder / "node_modules" / "express", folder / "node_modules" / "@videocloud" / "sdk"
    for package, source in ((express, "express.mjs"), (sdk, "sdk.mjs")):
        package.mkdir(parents=True)
        shutil.copy(HERE / "node" / source, package / "index.mjs")
        (package / "package.json").write_text('{"exports": "./index.mjs"}')
    (sdk / "signature.cjs").write_text(f"{CHECK}\nmodule.exports = {{ verifyWebhookSignature }};\n")
    (folder / "sample.mjs").write_text(f"{SAMPLE}\nawait registerWebhook();\n")
    (folder / "main.mjs").write_text(_MAIN)


def _start(folder: Path, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["node", "main.mjs"],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def _found(pattern: str, lines: Sequence[str]) -> Any:
    (found,) = [match[1] for line in lines if (match := re.search(pattern, line))]
    return found
