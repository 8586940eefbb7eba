"""Watches what a thread sends over HTTP and SMTP, to tell what was certainly not sent from what nobody knows.

Libraries answer "it failed" for a refused connection and for an answer that never came alike. Only the first may be tried
again. So the two calls by which they reach the network are watched where they are made.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

REFUSALS = frozenset({*range(300, 500), 501, 503}) - {408}
"""The status codes that say that nothing was done."""

_seen: ContextVar[list[bool] | None] = ContextVar("seen", default=None)
"""Of each attempt at the network in this thread: whether certainly nothing was sent."""


class Testimony:
    """What was seen.

    Attributes:
        attempts: for each attempt at the network, whether certainly nothing was sent by it.
    """

    def __init__(self) -> None:
        self.attempts: list[bool] = []

    @property
    def nothing_sent(self) -> bool:
        """Whether something was tried, and certainly nothing came of it."""
        return bool(self.attempts) and all(self.attempts)


@contextmanager
def watched() -> Iterator[Testimony]:
    """Watch what this thread sends."""
    _watch()
    testimony = Testimony()
    before = _seen.set(testimony.attempts)
    try:
        yield testimony
    finally:
        _seen.reset(before)


@cache
def _watch() -> None:
    """Put a watch on the calls, once; it passes everything on unchanged."""
    requests.Session.send = _http(requests.Session.send)  # type: ignore[method-assign]
    smtplib.SMTP.connect = _connect(smtplib.SMTP.connect)  # type: ignore[method-assign]
    smtplib.SMTP.starttls = _connect(smtplib.SMTP.starttls)  # type: ignore[method-assign]
    smtplib.SMTP.login = _connect(smtplib.SMTP.login)  # type: ignore[method-assign]
    smtplib.SMTP.sendmail = _mail(smtplib.SMTP.sendmail)  # type: ignore[method-assign]


def _http(send: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(send)
    def watching(*args: Any, **named: Any) -> Any:
        try:
            answer = send(*args, **named)
        except BaseException as error:
            _note(_unreachable(error))
            raise
        _note(answer.status_code in REFUSALS)
        return answer

    return watching


def _connect(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Whatever comes before a mail: if that fails, none was sent."""

    @wraps(connect)
    def watching(*args: Any, **named: Any) -> Any:
        try:
            return connect(*args, **named)
        except BaseException:
            _note(True)
            raise

    return watching


def _mail(sendmail: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(sendmail)
    def watching(*args: Any, **named: Any) -> Any:
        try:
            refused = sendmail(*args, **named)
        except BaseException as error:
            _note(isinstance(error, (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException)))
            raise
        _note(False)
        return refused

    return watching


def _note(nothing_sent: bool) -> None:
    if (seen := _seen.get()) is not None:
        seen.append(nothing_sent)


def _unreachable(error: BaseException) -> bool:
    """Whether there was no connection over which anything could have been sent."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if isinstance(error, requests.ConnectionError) and error.args else None
    return isinstance(reason, (NewConnectionError, NameResolutionError, ConnectTimeoutError))
