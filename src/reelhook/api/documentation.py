"""The API explains itself: its OpenAPI document, a page made of it, and a page for each kind of problem."""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any, Final

import msgspec

from reelhook.api.exchange import Call, Text, absent
from reelhook.api.openapi import openapi
from reelhook.api.problem import phrase, problem_kinds
from reelhook.api.route import Route

_HTML: Final = "text/html; charset=utf-8"
_QUOTED: Final = re.compile(r"`([^`]+)`")
_REFERENCE: Final = re.compile(r"&quot;#/components/schemas/(\w+)&quot;")
_STYLE: Final = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--key:#2563eb}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem 1rem 4rem}
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}h3{font-size:1rem;margin:1.5rem 0 .3rem}
code,pre{font:13px/1.5 ui-monospace,monospace}pre{background:var(--soft);padding:.7rem;overflow:auto;border-radius:6px}
nav a{margin-right:1rem;white-space:nowrap}a{color:var(--key)}
.method{display:inline-block;min-width:4.2rem;font-weight:700;color:var(--key)}
table{border-collapse:collapse;margin:.4rem 0}td,th{border:1px solid var(--line);padding:.2rem .6rem;text-align:left}
summary{cursor:pointer}"""
_CSP: Final = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def routes(others: Sequence[Route], public_url: str, *, docs: bool) -> tuple[Route, ...]:
    """Make the routes; without `docs` only the pages that problems refer to."""

    async def document(call: Call) -> Text:  # noqa: ARG001 - the form of every route
        """Write the OpenAPI 3.1 document."""
        return Text(_written(tuple(described), public_url))

    async def page(call: Call) -> Text:  # noqa: ARG001 - the form of every route
        """Write the documentation as a page."""
        return _page("Reelhook API", _body(msgspec.json.decode(_written(tuple(described), public_url))))

    async def problem(call: Call) -> Text:
        """Explain a kind of problem."""
        return _problem(call.parts["slug"])

    explained = Route("GET", "/problems/{slug}", problem, None, "Explain a problem", gives=bytes, media_type=_HTML)
    if not docs:
        return (explained,)
    machine = Route("GET", "/openapi.json", document, None, "This document", gives=bytes)
    people = Route("GET", "/docs", page, None, "The documentation as a page", gives=bytes, media_type=_HTML)
    described = [*others, machine, people, explained]
    return machine, people, explained


@cache
def _written(described: tuple[Route, ...], public_url: str) -> bytes:
    return msgspec.json.encode(openapi(described, public_url))


def _page(title: str, body: str) -> Text:
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style><body>{body}</body></html>"
    )
    return Text(page.encode(), _HTML, headers={"content-security-policy": _CSP})


def _problem(slug: str) -> Text:
    kinds = [kind for kind in problem_kinds() if kind.slug == slug]
    if not kinds:
        raise absent("problem")
    kind = kinds[0]
    told = f"<h1>{escape(kind.title)}</h1><p>Status {kind.status} {phrase(kind.status)}.</p>"
    return _page(kind.title, f"{told}<p>{_prose(' '.join((kind.__doc__ or '').split()))}</p>")


def _body(document: dict[str, Any]) -> str:
    tags = [tag["name"] for tag in document["tags"]]
    links = "".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in tags)
    paragraphs = "".join(f"<p>{_prose(part)}</p>" for part in document["info"]["description"].split("\n\n"))
    rooms = "".join(_room(tag, document) for tag in tags)
    return (
        f'<h1>Reelhook {escape(document["info"]["version"])}</h1>{paragraphs}<nav>{links}<a href="#sent">webhooks</a>'
        f'<a href="openapi.json">openapi.json</a></nav>{rooms}<h2 id="sent">webhooks</h2>{_sent(document)}'
        f"<h2>schemas</h2>{_schemas(document)}"
    )


def _room(tag: str, document: dict[str, Any]) -> str:
    told = [
        _operation(method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if tag in operation["tags"]
    ]
    return f'<h2 id="{escape(tag)}">{escape(tag)}</h2>{"".join(told)}'


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    told = "".join(f"<p>{_prose(part)}</p>" for part in operation["description"].split("\n\n"))
    head = f'<span class="method">{method.upper()}</span><code>{escape(path)}</code>'
    answers = ", ".join(status for status in operation["responses"] if status != "default")
    return (
        f"<h3>{head} {_prose(operation['summary'])}</h3>{told}{_parameters(operation)}{_taken(operation)}"
        f"<p>Answers {escape(answers)}.</p>"
    )


def _parameters(operation: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{_prose(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", ())
        if "name" in one
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _taken(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    schema = next((one["schema"] for one in content.values()), None)
    return "" if schema is None else _folded("Body", schema)


def _sent(document: dict[str, Any]) -> str:
    return "".join(
        _folded(f"{name}: {entry['post']['summary']}", _first(entry["post"])["example"])
        for name, entry in document["webhooks"].items()
    )


def _first(operation: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = operation["requestBody"]["content"]["application/json"]
    return content


def _schemas(document: dict[str, Any]) -> str:
    schemas = sorted(document["components"]["schemas"].items())
    return "".join(f'<div id="schema-{escape(name)}">{_folded(name, schema)}</div>' for name, schema in schemas)


def _folded(title: str, value: Any) -> str:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return f"<details><summary>{escape(title)}</summary><pre>{_linked(text)}</pre></details>"


def _linked(text: str) -> str:
    """Write JSON in which what refers to a schema leads to it."""
    return _REFERENCE.sub(r'<a href="#schema-\1">\g<0></a>', escape(text))


def _prose(text: str) -> str:
    """Write a sentence in which what stands in backticks is code."""
    return _QUOTED.sub(r"<code>\1</code>", escape(text))
