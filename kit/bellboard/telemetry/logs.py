"""Structured log lines, one JSON object each, with the trace they belong to."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import Any

import orjson
import structlog

from . import names
from .names import LogEvent

trace_id: ContextVar[str] = ContextVar("trace_id", default="")
"""The trace of the command that the current task works on, in hex."""

_logger = structlog.get_logger()


def configure(service: str, level: int = logging.INFO) -> None:
    """Send log lines to stderr as JSON, and begin to count what they warn of."""
    for event in names.LOGS.values():
        if event.level >= logging.WARNING:
            names.EVENTS.labels(event.name)  # at 0: the first of a kind would not be seen as a rise
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    global _logger
    _logger = structlog.get_logger().bind(service=service)


def emit(event: LogEvent, *, exc: BaseException | None = None, **fields: Any) -> None:
    """Write one log line. ``exc`` adds its traceback, which goes nowhere else."""
    if event.level >= logging.WARNING:
        names.EVENTS.labels(event.name).inc()
    if trace := trace_id.get():
        fields["trace_id"] = trace
    _logger.log(event.level, event.name, exc_info=exc, **fields)
