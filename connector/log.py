"""Structured logs on stdout: one canonical line per RPC, delivery, task and Graph call.

Event names are `noun.verb`. Context (store, connection, task) is bound at the entry and travels along. A last processor drops
whatever could be a token, a body, a text or a person: the first wall is that nobody passes such things.
"""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, merge_contextvars

from connector.vault import hide_tokens

_DROPPED = frozenset(
    {
        "access_token",
        "app_secret",
        "client_secret",
        "appsecret_proof",
        "authorization",
        "body",
        "code",
        "email",
        "fb_exchange_token",
        "input_token",
        "message_text",
        "name",
        "password",
        "psid",
        "sealed",
        "secret",
        "signed_request",
        "text",
        "token",
        "verify_token",
    }
)

_logger = structlog.get_logger()


def configure(*, level: str, form: str) -> None:
    """Set up the process's logs: JSON lines, or coloured text for `form="console"` (or a terminal, when `form` is empty)."""
    console = form == "console" or (not form and sys.stdout.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=True)
    )
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    others = logging.StreamHandler(sys.stderr)
    others.setFormatter(_Cleaned("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[others])


class _Cleaned(logging.Formatter):
    """What libraries have to say, their tracebacks included, passes the second wall too."""

    def format(self, record: logging.LogRecord) -> str:
        return hide_tokens(super().format(record))


def canonical(event: str, **facts: Any) -> None:
    """Write the one line of a unit of work."""
    _logger.info(event, **facts)


def warn(event: str, **facts: Any) -> None:
    """Write that something needs attention."""
    _logger.warning(event, **facts)


def failed(event: str, error: BaseException, **facts: Any) -> None:
    """Write a fault of ours, with its traceback."""
    _logger.error(event, exc_info=error, **facts)


def bind(**facts: Any) -> None:
    """Add facts to every further line of this unit of work."""
    bind_contextvars(**facts)


@contextmanager
def unit(**facts: Any) -> Iterator[None]:
    """Bind facts for the length of a unit of work."""
    with bound_contextvars(**facts):
        yield


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what could be a secret or a person, whatever nest it sits in."""
    for key, value in event.items():
        event[key] = "***" if key in _DROPPED else _clean(value)
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return hide_tokens(value)
    if isinstance(value, dict):
        return {key: "***" if key in _DROPPED else _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
