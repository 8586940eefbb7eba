"""Messages over real connections: what was certainly not sent is told from what nobody knows."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bellboard.testing.servers import free_port
from bellboard_oncall.pages.outside import Outside
from bellboard_oncall.pages.pagerduty import PagerDuty
from bellboard_oncall.pages.sending import Notice, NotSent, Unclear

from .sinks import MailSink, WebSink, mail_sink, web_sink

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")

NOTICE = Notice(key="P7", title="P7: checkout is down", words="P7 for payments: checkout is down", url="http://127.0.0.1:8420")


@pytest.fixture
def patience() -> float:
    """Seconds that the notifier waits for an answer."""
    return 20.0


@pytest.fixture
async def outside(patience: float) -> AsyncIterator[Outside]:
    """The notifier."""
    notifier = Outside(seconds=patience)
    await notifier.prepare()
    yield notifier
    notifier.close()


@pytest.fixture
async def sink() -> AsyncIterator[WebSink]:
    """A web server."""
    async with web_sink() as here:
        yield here


@pytest.fixture
async def mails() -> AsyncIterator[MailSink]:
    """A mail server."""
    async with mail_sink() as here:
        yield here


async def test_a_message_is_sent_once(outside: Outside, sink: WebSink) -> None:
    """With title, words and a link."""
    await outside.send(f"json://127.0.0.1:{sink.port}/ann", NOTICE)
    (taken,) = sink.taken
    assert taken["title"] == NOTICE.title
    assert taken["message"] == f"{NOTICE.words}\n{NOTICE.url}"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 501, 503])
async def test_a_refusal_is_certain(outside: Outside, sink: WebSink, status: int) -> None:
    """The other side says that it did nothing."""
    sink.status = status
    with pytest.raises(NotSent, match="JSON did not take it"):
        await outside.send(f"json://127.0.0.1:{sink.port}/ann", NOTICE)


@pytest.mark.parametrize("status", [0, 408, 500, 502, 504])
async def test_a_fault_on_the_other_side_is_not(outside: Outside, sink: WebSink, status: int) -> None:
    """It may have taken it; so may one that ends the connection without a word."""
    sink.status = status
    with pytest.raises(Unclear, match="JSON gave no clear answer"):
        await outside.send(f"json://127.0.0.1:{sink.port}/ann", NOTICE)


@pytest.mark.parametrize(
    "address", ["json://127.0.0.1:{port}/", "json://bellboard.invalid/", "mailto://127.0.0.1:{port}?to=a@b.example"]
)
async def test_no_connection_is_certain(outside: Outside, address: str) -> None:
    """Nobody listens, or there is no such host."""
    with pytest.raises(NotSent):
        await outside.send(address.format(port=free_port()), NOTICE)


@pytest.mark.parametrize("patience", [2.0])
async def test_an_answer_that_comes_too_late_leaves_it_uncertain(outside: Outside, sink: WebSink) -> None:
    """The message arrived; whoever waited does not know."""
    sink.wait = 3.0
    with pytest.raises(Unclear, match="no answer within 2 s"):
        await outside.send(f"json://127.0.0.1:{sink.port}/ann", NOTICE)
    assert len(sink.taken) == 1


@pytest.mark.parametrize("patience", [2.0])
async def test_a_hanging_server_keeps_nobody_else(outside: Outside, sink: WebSink) -> None:
    """As many wait as there are threads; the next is told that it was not sent, which is certain."""
    sink.wait = 3.0
    address = f"json://127.0.0.1:{sink.port}/ann"
    answers = await asyncio.gather(*(outside.send(address, NOTICE) for _ in range(40)), return_exceptions=True)
    assert sum(isinstance(one, Unclear) for one in answers) == 32
    assert sum(isinstance(one, NotSent) for one in answers) == 8


async def test_what_is_no_address_is_said_without_showing_it(outside: Outside) -> None:
    """It may hold a password."""
    with pytest.raises(NotSent) as caught:
        await outside.send("nonsense://secret", NOTICE)
    assert "secret" not in str(caught.value)


async def test_mail_is_sent_once(outside: Outside, mails: MailSink) -> None:
    """By SMTP."""
    await outside.send(f"mailto://127.0.0.1:{mails.port}?from=bell@b.example&to=ann@b.example", NOTICE)
    (mail,) = mails.taken
    assert "P7" in mail


async def test_words_of_an_alert_are_no_page_in_a_mail(outside: Outside, mails: MailSink) -> None:
    """They come from outside: what looks like a tag, or is less than something, is shown as it is."""
    notice = replace(NOTICE, words="A3: p95 < 5 s <img src=x>")
    await outside.send(f"mailto://127.0.0.1:{mails.port}?from=bell@b.example&to=ann@b.example", notice)
    mail = email.message_from_string(mails.taken[0])
    (part,) = [one for one in mail.walk() if not one.is_multipart()]
    assert part.get_content_type() == "text/plain"
    assert b"A3: p95 < 5 s <img src=x>" in part.get_payload(decode=True)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
async def test_a_mail_server_that_refuses_is_certain(outside: Outside, mails: MailSink, verb: str) -> None:
    """It says so before it takes anything."""
    mails.refuse = verb
    with pytest.raises(NotSent):
        await outside.send(f"mailto://127.0.0.1:{mails.port}?from=bell@b.example&to=ann@b.example", NOTICE)


async def test_a_mail_server_that_vanishes_after_taking_it_is_not(outside: Outside, mails: MailSink) -> None:
    """The mail is there, and nobody was told."""
    mails.vanish = "."
    with pytest.raises(Unclear):
        await outside.send(f"mailto://127.0.0.1:{mails.port}?from=bell@b.example&to=ann@b.example", NOTICE)
    assert len(mails.taken) == 1


async def test_pagerduty_is_told_by_its_events(sink: WebSink) -> None:
    """By the words of its public description; the page is the key by which it knows them for one."""
    sink.status = 202
    pager = PagerDuty("home")
    for event in ("trigger", "acknowledge", "resolve"):
        notice = Notice(key="P7", title="P7: checkout is down", words="words", event=event)
        await pager.send(f"KEY http://127.0.0.1:{sink.port}/v2/enqueue", notice)

    first, second, third = sink.taken
    assert [one["event_action"] for one in sink.taken] == ["trigger", "acknowledge", "resolve"]
    assert {one["dedup_key"] for one in sink.taken} == {"bellboard-home-P7"}
    assert {one["routing_key"] for one in sink.taken} == {"KEY"}
    assert first["payload"]["severity"] == "critical"
    assert set(first["payload"]) == {"summary", "source", "severity", "custom_details"}
    assert "payload" not in second
    assert "payload" not in third


@pytest.mark.parametrize(("status", "error"), [(400, NotSent), (429, Unclear), (500, Unclear), (0, Unclear)])
async def test_pagerduty_refuses_or_says_nothing(sink: WebSink, status: int, error: type[Exception]) -> None:
    """Either way nothing of the key is shown."""
    sink.status = status
    with pytest.raises(error) as caught:
        await PagerDuty("home").send(f"KEY http://127.0.0.1:{sink.port}/v2/enqueue", NOTICE)
    assert "KEY" not in str(caught.value)


async def test_pagerduty_that_hangs_or_is_away() -> None:
    """One may have taken it, the other did not."""
    with pytest.raises(NotSent):
        await PagerDuty("home").send(f"KEY http://127.0.0.1:{free_port()}/v2/enqueue", NOTICE)
    async with web_sink() as slow:
        slow.wait = 3.0
        with pytest.raises(Unclear):
            await PagerDuty("home", seconds=0.5).send(f"KEY http://127.0.0.1:{slow.port}/v2/enqueue", NOTICE)
