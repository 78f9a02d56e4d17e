"""How the process speaks while it runs: to standard error, for people in development, as JSON in production."""

import logging
import sys
from contextvars import ContextVar
from typing import Any

import structlog

from app.settings import Settings

REQUEST_ID: ContextVar[bytes | None] = ContextVar("request_id", default=None)
"""Set for every request: one variable costs a tenth of what structlog's own contextvars do."""


def _with_request_id(_logger: Any, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    request_id = REQUEST_ID.get()
    return event if request_id is None else {"request_id": request_id.decode(), **event}


SHARED = (
    _with_request_id,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(settings: Settings) -> None:
    """Set up structlog, and send the standard library's records (uvicorn's) through it."""
    renderers = _renderers(settings)
    structlog.configure(
        processors=[*SHARED, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


TRACEBACKS = structlog.dev.RichTracebackFormatter(show_locals=False)
"""Local values may be secrets, and a whole network of locations takes seconds to print."""


def _renderers(settings: Settings) -> list[structlog.typing.Processor]:
    if settings.development:
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=TRACEBACKS)]
    return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
