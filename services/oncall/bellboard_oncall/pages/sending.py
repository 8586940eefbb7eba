"""What it takes to send a message: a `Notifier` for each way, which says for certain whether it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bellboard import Failed, ProviderError

from .model import Page

SECONDS = 20.0
"""Seconds in which a message has to be sent; nobody knows what became of one that takes longer."""


class NotSent(Failed):
    """It was not sent, and that is certain: it may be tried again."""


class Unclear(ProviderError):
    """Nobody knows whether it was sent."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be said.

    Attributes:
        key: the page's id, such as P7.
        event: "trigger", "acknowledge" or "resolve".
        url: where people find the room; empty if that is not known.
    """

    key: str
    title: str
    words: str
    event: str = "trigger"
    url: str = ""


class Notifier(Protocol):
    """Sends messages in one way.

    Attributes:
        again: the other side takes the same message twice for one.
    """

    again: bool

    async def prepare(self) -> None:
        """Load what it takes to send. Nothing is sent yet: whoever dies here leaves nothing uncertain."""

    async def send(self, address: str, notice: Notice) -> None:
        """Send it, once.

        Raises:
            NotSent: certainly not sent.
            Unclear: nobody knows.
        """


Notifiers = Mapping[str, Notifier]
"""By the name of the way."""


def notice(page: Page, event: str, web_url: str) -> Notice:
    """What a message about a page says."""
    about = f" ({page.about})" if page.about else ""
    what = {"trigger": "", "acknowledge": "acknowledged: ", "resolve": "resolved: "}[event]
    words = f"{page.id} for {page.target}{about}: {page.why}\nType “ack {page.id}” in the room to say that you are on it."
    return Notice(key=page.id, title=f"{what}{page.id}: {page.why[:120]}", words=words, event=event, url=web_url)
