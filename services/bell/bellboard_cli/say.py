"""`bell say`: one line, asked for until there is a verdict."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.errors import UserError

from .client import Away, Client, Denied
from .runfile import Address, Find

AGAIN = 0.3
"""Seconds between asking again."""


Answers = AsyncGenerator[gateway.RunLineResponse, None]


class Exit(IntEnum):
    """How `bell say` ends."""

    SUCCEEDED = 0
    FAILED = 1
    NOT_UNDERSTOOD = 2
    UNKNOWN = 3
    EXPIRED = 4
    CANCELLED = 5
    NOT_FINAL = 6


_EXITS = {
    ledger.STATE_SUCCEEDED: Exit.SUCCEEDED,
    ledger.STATE_RESOLVED_SUCCEEDED: Exit.SUCCEEDED,
    ledger.STATE_FAILED: Exit.FAILED,
    ledger.STATE_RESOLVED_FAILED: Exit.FAILED,
    ledger.STATE_DENIED: Exit.NOT_UNDERSTOOD,
    ledger.STATE_UNKNOWN: Exit.UNKNOWN,
    ledger.STATE_EXPIRED: Exit.EXPIRED,
    ledger.STATE_TOMBSTONE: Exit.EXPIRED,
    ledger.STATE_CANCELLED: Exit.CANCELLED,
    ledger.STATE_REJECTED: Exit.CANCELLED,
}
UNCONFIRMED = "unconfirmed"
"""The code of an answer that is no verdict: the same may still be accepted."""

_REFUSED = {UNCONFIRMED: Exit.NOT_FINAL, "no_bot": Exit.EXPIRED, "not_accepted": Exit.FAILED}


@dataclass(frozen=True, slots=True)
class Line:
    """What to say, where, as whom, and for how many seconds to wait for the end of it."""

    text: str
    room: str = "general"
    as_person: str = ""
    timeout: float = 60.0


class Teller(Protocol):
    """Shows what becomes of a line."""

    def card(self, card: gateway.Card) -> None:
        """The command as it now stands."""

    def more(self, card: gateway.Card) -> None:
        """What it asked for, as that now stands."""

    def done(self) -> None:
        """There is nothing more to show."""

    def refused(self, why: gateway.NotUnderstood, *, final: bool) -> None:
        """It was not understood, or not accepted: nothing runs, and if that is final nothing will."""

    def note(self, text: str) -> None:
        """Something about the way there."""


async def say(find: Find, line: Line, tell: Teller) -> Exit:
    """Run one line. The same request id is asked for again whenever the gateway is lost, so it is one command.

    Raises:
        UserError: there is no gateway to be found.
    """
    find()
    try:
        "".join((line.text, line.room, line.as_person)).encode()
    except UnicodeEncodeError:
        tell.refused(gateway.NotUnderstood(reason="that is not UTF-8", code="not_understood"), final=True)
        return Exit.NOT_UNDERSTOOD
    request = gateway.RunLineRequest(
        line=line.text, room=line.room, request_id=uuid.uuid4().hex, as_person=line.as_person, follow=True
    )
    verdict, final = Exit.NOT_FINAL, False
    try:
        async with asyncio.timeout(line.timeout), aclosing(_answers(find, request, tell)) as answers:
            async for answer in answers:
                if final:
                    tell.more(answer.card)
                else:
                    verdict, final = _told(answer, tell)
    except Denied as error:
        tell.refused(gateway.NotUnderstood(reason=error.text, code=error.code), final=True)
        return Exit.NOT_UNDERSTOOD
    except TimeoutError:
        tell.note(
            f"what it asked for is not final after {line.timeout:g} s" if final else f"not final after {line.timeout:g} s"
        )
    finally:
        tell.done()
    return verdict


def _told(answer: gateway.RunLineResponse, tell: Teller) -> tuple[Exit, bool]:
    """Show one answer: how we would end with it, and whether it is the last word."""
    if answer.HasField("card"):
        tell.card(answer.card)
        return (_EXITS[answer.card.state], True) if answer.card.final else (Exit.NOT_FINAL, False)
    code = answer.not_understood.code
    tell.refused(answer.not_understood, final=code != UNCONFIRMED)
    return _REFUSED.get(code, Exit.NOT_UNDERSTOOD), code != UNCONFIRMED


async def _answers(find: Find, request: gateway.RunLineRequest, tell: Teller) -> Answers:
    """All that the gateway says of the line, from however many gateways it takes, until it is final and all is said."""
    told = over = False
    while not over:
        try:
            async with Client.at(_where(find)) as client:
                async for answer in client.run_line(request):
                    told = False
                    over = over or answer.card.final or answer.not_understood.code not in ("", UNCONFIRMED)
                    yield answer
        except Away as error:
            if not told and not over:
                tell.note(f"{error.text}; asking again until there is a verdict")
            told = True
        await asyncio.sleep(AGAIN)


def _where(find: Find) -> Address:
    """Where the gateway is. Raises Away where it was stopped meanwhile: what became of the line is not known here."""
    try:
        return find()
    except UserError as error:
        raise Away(error.text) from None
