"""What of a mail was certainly not sent."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from contextlib import suppress

import pytest

from bellboard_oncall.pages.witness import watched


def _login(server: smtplib.SMTP) -> None:
    server.login("ann", "wrong")


def _starttls(server: smtplib.SMTP) -> None:
    server.starttls()


def _mail(server: smtplib.SMTP) -> None:
    server.sendmail("a@example.org", "b@example.org", "help")


@pytest.mark.parametrize(("act", "certain"), [(_login, True), (_starttls, True), (_mail, False)])
def test_what_fails_before_a_mail_has_sent_none(act: Callable[[smtplib.SMTP], None], certain: bool) -> None:
    """A wrong password above all: it is tried again, and then the next step begins. Nobody knows of a mail that breaks off."""
    with watched() as testimony, suppress(smtplib.SMTPException):
        act(smtplib.SMTP())
    assert testimony.attempts
    assert testimony.nothing_sent == certain
