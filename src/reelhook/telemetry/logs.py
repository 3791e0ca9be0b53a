"""Log lines of the whole process, ours and the libraries', in one form and without secrets."""

import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final, Literal, TextIO

import msgspec
import structlog

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["console", "json"]

_FIRST: Final = ("timestamp", "level", "event")
_MASK: Final = "***"
_SECRET_KEY: Final = re.compile(
    r"(?i)(secret|passw|token|authorization|cookie|credential|private_?key|api_?key)(?!\w*_(id|at|url)$)"
)
_SECRET_TEXT: Final = re.compile(r"(?i)\b(whsec_|whsk_|rhk_|bearer\s+|basic\s+)[\w+/=.~-]{6,}|(?<=://)[^\s/@]+@")


def configure_logging(form: Format, level: Level, stream: TextIO | None = None) -> None:
    """Send all log lines of the process, ours and the libraries', to one stream (stderr) in one form.

    `console` is for people, `json` is one object a line for machines; in neither is there a secret.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_finish(form, handler.stream))
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)


def _finish(form: Format, stream: TextIO) -> list[structlog.typing.Processor]:
    render: structlog.typing.Processor
    if form == "json":
        render = structlog.processors.JSONRenderer(serializer=_json)
    else:
        # Plain tracebacks: rich ones show local variables, which may hold secrets.
        plain = structlog.dev.plain_traceback
        render = structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain, sort_keys=False)
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask_secrets,
        render,
    ]


def _json(line: dict[str, Any], default: Callable[[Any], Any] | None = None, **_: Any) -> str:
    ordered = {key: line.pop(key) for key in _FIRST if key in line} | line
    return msgspec.json.encode(ordered, enc_hook=default or repr).decode()


def mask_secrets(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what looks like a secret, by the name of its field or by its form: belt and braces, for nobody logs one."""
    for key, value in line.items():
        line[key] = _masked(key, value)
    return line


def _masked(key: object, value: Any) -> Any:
    if value is not None and not isinstance(value, bool) and _SECRET_KEY.search(str(key)):
        return _MASK
    if isinstance(value, str):
        return _SECRET_TEXT.sub(_mask_text, value)
    if isinstance(value, dict):
        return {name: _masked(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", inner) for inner in value]
    return value


def _mask_text(found: re.Match[str]) -> str:
    return f"{found[1]}{_MASK}" if found[1] else f"{_MASK}@"
