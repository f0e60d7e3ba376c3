"""How the house logs: a line of JSON each, on stderr; with SOUK_DEBUG as people read.

Every line tells the connection and the command it came of, where there was one. Never a
token or a text: an exception is told by its types and places, not by its words, which
may quote what a user sent, and of a message only the first line, since databases show
rows in the others.
"""

import sys
import traceback
from typing import Any

import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.types import EventDict, Processor

FACTS = ("connection", "user", "address", "origin", "code")
"""What a call may tell by `extra=`; `where`, places in code, only to machines: people
have it in the message."""
QUIET = ("daphne", "httpx", "httpcore", "asyncio")
"""They say at INFO what nobody asks for, or with addresses in full."""


def exceptions(error: BaseException | None) -> list[BaseException]:
    """An exception and those it came of, the last first; at most eight."""
    found: list[BaseException] = []
    while error is not None and len(found) < 8 and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def without_words(_: Any, __: str, event: EventDict) -> EventDict:
    """Exceptions as `error` and `where`; of the message its first line."""
    event["event"] = str(event["event"]).partition("\n")[0]
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    found = exceptions(given[1] if isinstance(given, tuple) else None)
    if found:
        event["error"] = [f"{type(e).__module__}.{type(e).__name__}" for e in found]
        event["where"] = [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
            for frame, line in traceback.walk_tb(found[0].__traceback__)
        ]
    return event


def described(*, plain: bool) -> dict[str, Any]:
    """Django's LOGGING; `plain` is for a console, with tracebacks and all words."""
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        ExtraAdder(FACTS if plain else (*FACTS, "where")),
        structlog.processors.TimeStamper(fmt="iso", utc=not plain),
    ]
    last: list[Processor]
    if plain:
        colors = sys.stderr.isatty()
        trace = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=trace)]
    else:
        last = [without_words, structlog.processors.JSONRenderer()]
    lines = {
        "()": ProcessorFormatter,
        "foreign_pre_chain": before,
        "processors": [ProcessorFormatter.remove_processors_meta, *last],
    }
    stderr = {"class": "logging.StreamHandler", "formatter": "lines"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": lines},
        "handlers": {"stderr": stderr},
        "root": {"handlers": ["stderr"], "level": "WARNING" if plain else "INFO"},
        "loggers": {
            # Django's own handlers would say everything once more.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            **{name: {"level": "WARNING"} for name in QUIET},
        },
    }
