"""The incidents bot, talked to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.marks import Draft
from bellboard.replies import table
from bellboard.testing.talk import NOT_UNDERSTOOD, Said, Talk, TalkTo, settings_for
from bellboard_incidents.bot import bot
from bellboard_incidents.providers import register
from bellboard_incidents.settings import Settings

NOON = 1_795_435_200.0
"""23 November 2026, 12:00 UTC, in seconds since 1970."""


@pytest.fixture
def talk(talk_to: TalkTo) -> Talk:
    """Says lines to the bot."""
    return talk_to(bot, register, settings_for(Settings))


def shown(said: Said) -> dict[str, str]:
    """What a card says of an incident."""
    (found,) = [block.table for block in said.blocks if block.HasField("table")]
    return {row.cells[0].text: row.cells[1].text for row in found.rows}


def choices(said: Said) -> list[str]:
    return [choice.line for block in said.blocks for choice in block.question.choices]


def document(said: Said) -> str:
    return next(block.code.text for block in said.blocks if block.HasField("code"))


async def test_an_incident_is_opened_in_plain_words(talk: Talk) -> None:
    """It gets an id, and its card says how it stands and what can be done."""
    said = await talk("incident open the checkout fails --severity 1", at=NOON)

    assert said.state == "SUCCEEDED"
    assert said.result.id == "I1"
    assert said.text == "I1: the checkout fails"
    assert shown(said)["state"] == "open since 2026-11-23 12:00:00 UTC, by ann"
    assert shown(said)["severity"] == "1, critical"
    assert choices(said) == [
        "incident note --id I1 ",
        "incident status --id I1 ",
        "incident timeline I1",
        "incident export I1",
        "incident close I1",
    ]


async def test_a_preview_opens_nothing(talk: Talk) -> None:
    """It says what would be opened."""
    said = await talk('incident open "checkout fails"?')

    assert "would open" in said.text
    assert (await talk("incident list")).text == "no incident is open"


@pytest.mark.parametrize("more", ["", '""', "x" * 300, "it fails --severity 5"])
async def test_a_wrong_opening_is_refused(talk: Talk, more: str) -> None:
    """Without a title, with one that is too long, with a severity that there is not."""
    assert (await talk(f"incident open {more}")).state in ("FAILED", NOT_UNDERSTOOD)


async def test_the_same_command_opens_one_incident(talk: Talk) -> None:
    """However often it is run: a worker may die at any point of it."""
    first = await talk("incident open it fails", id="same", at=NOON)
    second = await talk("incident open it fails", id="same", attempt=2, at=NOON)

    assert first.result.id == second.result.id == "I1"
    assert shown(first) == shown(second)
    assert len(await talk.keep.list("opened")) == 1


async def test_what_was_broken_off_in_opening_is_finished(talk: Talk) -> None:
    """The mark was made, and the worker died before the incident was kept."""
    await talk.marks.begin("I", Draft(title="it fails", at=NOON, command="same", state="open"), key="same")

    said = await talk("incident open it fails", id="same", attempt=2, at=NOON)

    assert said.result.id == "I1"
    assert (await talk("incident status")).state == "SUCCEEDED"


async def test_every_change_brings_the_card_up_to_date(talk: Talk) -> None:
    """In place of what it said before."""
    opened = await talk("incident open it fails")
    for line in ("note drained host 2", "incident assign @bo", "incident status rolling back", "incident close"):
        said = await talk(line)
        assert said.asked == ("incident show I1",)
        assert said.asks[0].card == opened.id


async def test_the_card_says_who_does_what_and_where_it_stands(talk: Talk) -> None:
    """Roles, the last status, the severity from now on, and counts."""
    await talk("incident open it fails")
    for line in ("incident assign @bo", "incident assign @cy --as scribe", "incident assign @di --as Lead", 'note "a | b"'):
        assert (await talk(line)).state == "SUCCEEDED"
    await talk("incident status looking", at=NOON)
    await talk('incident status --severity 1 "rolling back"', at=NOON + 60)

    said = shown(await talk("incident show I1"))

    assert said["roles"] == "lead di, scribe cy"
    assert said["status"] == "rolling back (ann, 2026-11-23 12:01:00 UTC)"
    assert said["severity"] == "1, critical"
    assert said["gathered"] == "1 note"
    mark = await talk.marks.find("I1")
    assert mark is not None
    assert (mark.state, mark.detail["severity"]) == ("open", "1")


async def test_whoever_gets_a_role_is_told(talk: Talk) -> None:
    """Their attention is asked for."""
    await talk("incident open it fails")

    said = await talk("incident assign @bo --as scribe")

    assert said.text == "bo is scribe of I1"
    assert list(said.blocks[0].text.mentions) == ["bo"]


async def test_a_thread_means_its_incident(talk: Talk) -> None:
    """Also where several are open in the room, and after it was closed."""
    first = await talk("incident open one")
    await talk("incident open two")

    assert (await talk("note in the thread", thread=first.id)).text == "noted in I1"
    assert "I1 is closed" in (await talk("incident close", thread=first.id)).text
    assert (await talk("note afterwards", thread=first.id)).text == "noted in I1"


async def test_one_of_several_is_asked_for(talk: Talk) -> None:
    """The choices are the same line, with the id."""
    await talk("incident open one")
    await talk("incident open two")

    said = await talk("note drained host 2")

    assert choices(said) == ["incident note --id I2 drained host 2", "incident note --id I1 drained host 2"]
    assert (await talk(choices(said)[1])).text == "noted in I1"
    for line in ("incident status", "incident timeline", "incident assign @bo --as scribe", "incident close"):
        chosen = choices(await talk(line))[0]
        assert "I2" in chosen
        assert (await talk(chosen)).state == "SUCCEEDED", chosen


async def test_another_room_has_its_own(talk: Talk) -> None:
    """There it takes an id."""
    await talk("incident open one")
    talk.room = "ops"

    assert (await talk("note here")).blocks[0].question.text == "No incident is open here."
    assert (await talk("incident note --id i1 here")).text == "noted in I1"


async def test_what_there_is_not_is_told(talk: Talk) -> None:
    """With a way to find out what there is."""
    said = await talk("incident close I7 done")

    assert said.failure.text == "there is no incident I7"
    assert "incident list" in said.failure.hint


async def test_closing_says_how_long_and_what_stayed_open(talk: Talk) -> None:
    """Alerts that burn, locks that are held, and notes of what is left to be done."""
    await talk("incident open it fails", at=NOON)
    others = talk.marks.by("oncall")
    await others.begin("A", Draft(title="TooManyErrors", at=NOON + 60, state="firing"), key="a")
    await others.begin("A", Draft(title="Slow", at=NOON + 60, until=NOON + 90, state="resolved"), key="b")
    await talk("note TODO: tell the customers", at=NOON + 120)

    said = await talk("incident close rolled back", at=NOON + 3700)

    assert "I1 is closed after 1 h 1 min: it fails" in said.text
    assert "stayed open: A1 TooManyErrors, TODO: tell the customers" in said.text
    card = shown(await talk("incident show I1"))
    assert card["state"] == "closed by ann at 2026-11-23 13:01:40 UTC, after 1 h 1 min: rolled back"
    assert card["stayed open"] == "A1 TooManyErrors, TODO: tell the customers"
    mark = await talk.marks.find("I1")
    assert mark is not None
    assert (mark.state, mark.until) == ("closed", NOON + 3700)


async def test_an_incident_is_closed_once(talk: Talk) -> None:
    """Whoever comes second is told who was first; the same command again is the same answer."""
    await talk("incident open it fails")
    first = await talk('incident close "rolled back"', id="first")
    again = await talk('incident close "rolled back"', id="first", attempt=2)
    talk.person = "bo"
    second = await talk("incident close I1")

    assert first.state == again.state == "SUCCEEDED"
    assert second.failure.text == "I1 is closed already, by ann"


async def test_the_list_shows_open_ones_and_all(talk: Talk) -> None:
    """As a table, for pipes too."""
    await talk("incident open one")
    await talk("incident open two")
    await talk("incident close I1")

    assert [row.cells[0].text for row in (await talk("incident list")).result.table.rows] == ["I2"]
    everything = (await talk("incident list --all")).result.table
    assert [(row.cells[0].text, row.cells[3].text) for row in everything.rows] == [("I2", "open"), ("I1", "closed")]


async def test_a_timeline_asks_for_the_record_of_its_room(talk: Talk) -> None:
    """From half an hour before the opening on; and does without if that does not come."""
    await talk("incident open it fails", at=NOON)
    talk.room = "ops"

    said = await talk("incident timeline I1", at=NOON + 600)

    record = 'record in #general --since "2026-11-23T11:30:00Z..2026-11-23T12:10:01Z"'
    waits, asks = said.asks
    assert asks.line == f"{record} | incident gathered I1"
    assert (waits.line, waits.card, waits.at) == ("incident gathered I1", said.id, NOON + 615)
    assert waits.key
    taken = await talk("incident gathered I1", table=record_of(NOON), card=said.id)
    assert taken.unasked == (waits.key,)


def record_of(at: float) -> chat.Table:
    """A record as the gateway gives it."""
    when = datetime.fromtimestamp(at + 30, UTC)
    heads = ["at", "kind", "who", "words", "state", "outcome", "id", "card", "thread", "bot", "picture"]
    rows = [
        (when, "talk", "bo", "is it the deploy?", "", "", "m1", "m1", "", "", ""),
        (when, "command", "bo", "deploy status", "SUCCEEDED", "v2 runs", "c1", "c1", "", "deploy", ""),
    ]
    made: chat.Table = table(heads, rows).table
    return made


async def test_the_timeline_holds_what_was_typed_and_said(talk: Talk) -> None:
    """Together with its own entries, in order."""
    await talk("incident open it fails", at=NOON)
    await talk("note drained host 2", at=NOON + 60)

    said = await talk("incident gathered I1", table=record_of(NOON), at=NOON + 600)

    told = [[cell.text for cell in row.cells[1:]] for row in said.result.table.rows]
    assert [row[:3] for row in told] == [
        ["opened", "ann", "opened I1: it fails (severity 2)"],
        ["talk", "bo", "is it the deploy?"],
        ["command", "bo", "deploy status"],
        ["note", "ann", "drained host 2"],
    ]
    assert told[2][3] == "succeeded: v2 runs"


async def test_the_document_is_a_file_and_on_the_card(talk: Talk) -> None:
    """As Markdown."""
    await talk("incident open it fails", at=NOON)

    said = await talk("incident gathered I1 --export", table=record_of(NOON), at=NOON + 600)

    assert document(said).startswith("---\nid: I1\n")
    assert (said.result.file.name, said.result.file.media_type) == ("I1.md", "text/markdown")
    assert (await talk.blobs.get(said.result.file)).decode() == document(said)


async def test_a_document_without_a_record_says_so(talk: Talk) -> None:
    """It still holds the marks and the notes."""
    await talk("incident open it fails", at=NOON)
    await talk("note drained host 2", at=NOON + 60)

    said = await talk("incident gathered I1 --export", at=NOON + 600)

    assert "missing: what was typed and said" in said.text
    assert "drained host 2" in document(said)
    assert "## What is missing here" in document(said)


async def test_a_rehearsed_incident_is_not_the_real_one(talk: Talk) -> None:
    """It has another memory, and is written down without the record of the room."""
    rehearsed = await talk("incident open a drill --sandbox")

    assert (await talk("incident list")).text == "no incident is open"
    assert "a drill" in document(await talk(f"incident export {rehearsed.result.id} --sandbox"))
