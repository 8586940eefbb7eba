"""The commands of the rota, as people see them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from icalendar import Calendar

from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.marks import Draft
from bellboard.testing.eventually import eventually
from bellboard.testing.talk import Said, Talk, TalkTo, settings_for
from bellboard_oncall.bot import bot
from bellboard_oncall.providers import register
from bellboard_oncall.settings import Settings


def today() -> datetime:
    """The last midnight; asked for by each test, since a run of many tests may go over the next one."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def tomorrow() -> datetime:
    """The next midnight."""
    return today() + timedelta(days=1)


PEOPLE = """people:
- {id: ann, name: Ann, zone: Europe/Berlin}
- {id: bo, name: Bo, zone: America/New_York}
- {id: cy, name: Cy}
- {id: dee, name: Dee}
"""


def file() -> str:
    """Ann is on call today, Bo tomorrow, and so on, from midnight to midnight in UTC."""
    starts = today() - timedelta(days=70)
    return f"""teams:
  payments:
    room: payments
    handover: true
    rota:
      layers:
        - {{name: primary, people: [ann, bo], starts: {starts:%Y-%m-%d}, every: 1 day}}
        - {{name: backup, people: [cy], starts: {starts:%Y-%m-%d}, every: 1 week}}
  web:
    rota:
      layers: {{people: [bo], starts: {starts:%Y-%m-%d}, every: 1 week}}
"""


@pytest.fixture
def talk(talk_to: TalkTo, tmp_path: Path) -> Talk:
    (tmp_path / "oncall.yaml").write_text(file())
    (tmp_path / "people.yaml").write_text(PEOPLE)
    settings = settings_for(Settings, oncall_file=tmp_path / "oncall.yaml", people_file=tmp_path / "people.yaml")
    return talk_to(bot, register, settings)


async def by(talk: Talk, person: str, line: str) -> Said:
    """Have a person say something."""
    talk.person = person
    return await talk(line)


def mentions(said: Said) -> list[str]:
    """Whose attention it asks for."""
    return [person for block in said.blocks for person in block.text.mentions]


def people(said: Said) -> list[str]:
    """The column of people of the table for pipes."""
    return [row.cells[2].text for row in said.result.table.rows]


async def test_who_says_until_when_and_who_is_next(talk: Talk) -> None:
    """For each layer a line; nobody is woken by it."""
    said = await talk("oncall who payments")

    first, second = said.text.splitlines()
    assert first.startswith("Ann (primary) is on call for payments, until ")
    assert first.endswith(", then Bo")
    assert second.startswith("Cy (backup) is on call for payments")
    assert people(said) == ["ann", "cy"]
    assert mentions(said) == []


async def test_whoever_takes_every_turn_has_no_made_up_end(talk: Talk) -> None:
    """Cy alone has the second layer, and Bo a team: when the look ahead ends, their turns do not."""
    said = (await talk("oncall who payments")).text
    assert said.splitlines()[1] == "Cy (backup) is on call for payments, and nobody else in the next 60 days"

    assert (await by(talk, "bo", "oncall who web")).text == "Bo is on call for web, and nobody else in the next 60 days"
    assert (await by(talk, "cy", "oncall next")).text == "you are on call for payments now, and nobody else in the next 60 days"


async def test_oncall_alone_lists_every_team(talk: Talk) -> None:
    """One row each, and the whole as a table for pipes."""
    said = await talk("oncall")

    rows = [[cell.text for cell in row.cells[:2]] for row in said.blocks[1].table.rows]
    assert rows == [["payments", "Ann (primary), Cy (backup)"], ["web", "Bo"]]
    assert people(said) == ["ann", "cy", "bo"]


async def test_who_looks_ahead(talk: Talk) -> None:
    """At a moment, and at a whole day."""
    moment = await talk(f'oncall who payments at "{tomorrow():%Y-%m-%d} 03:00"')
    assert moment.text.startswith("Bo (primary) will be on call for payments on ")

    day = await talk("oncall who payments at tomorrow")
    assert "bo" in people(day)


async def test_a_slip_in_a_team_is_answered_with_the_nearest(talk: Talk) -> None:
    """And a command that needs one asks for it."""
    assert (await talk("oncall who paymints")).failure.hint == "did you mean payments?"
    assert (await talk("oncall schedule")).failure.text == "which team?"


async def test_next_of_nobody_is_refused(talk: Talk) -> None:
    """Not answered as if somebody had no shift; and a team is found in large letters."""
    assert (await talk("oncall next @zed")).failure.text == "nobody of the rotas' people is zed"
    assert (await talk("oncall PAYMENTS")).failure.hint == "did you mean payments?"


async def test_next_is_about_whoever_asks(talk: Talk) -> None:
    """In every team; or about somebody else."""
    assert (await talk("oncall next")).text.startswith("you are on call for payments now, until ")
    assert (await by(talk, "dee", "oncall next")).text == "you are not on call in the next 60 days"
    assert (await talk("oncall next @bo")).text.startswith("Bo is on call for web now")


async def test_anybody_may_take_over(talk: Talk) -> None:
    """At once; whoever is relieved is told, and a preview does nothing."""
    preview = await by(talk, "dee", "oncall cover payments tomorrow ?")
    assert preview.text.startswith("nothing is done yet: Dee is on call for payments (primary)")
    assert await talk.keep.list("covers") == []

    said = await by(talk, "dee", "oncall cover payments tomorrow")
    assert said.text.startswith("C1: Dee is on call for payments (primary)")
    assert mentions(said) == ["bo"]
    assert "dee" in people(await talk("oncall schedule payments"))


async def test_to_cover_oneself_changes_nothing(talk: Talk) -> None:
    """It is no error either."""
    said = await by(talk, "bo", "oncall cover payments tomorrow")

    assert said.text == "Bo is on call for payments then anyway; nothing changes"


async def test_somebody_else_is_asked(talk: Talk) -> None:
    """Only they can answer, and until they do nothing changes."""
    said = await by(talk, "ann", "oncall cover payments tomorrow --by @dee")
    assert mentions(said) == ["dee"]
    assert [choice.line for choice in said.blocks[1].question.choices] == ["oncall agree C1", "oncall agree C1 --no"]
    assert "dee" not in people(await talk("oncall schedule payments"))

    refused = await by(talk, "ann", "oncall agree C1")
    assert refused.failure.text == "C1: only Dee can answer it"

    agreed = await by(talk, "dee", "oncall agree")
    assert agreed.text.startswith("C1: agreed. Dee is on call for payments")
    assert mentions(agreed) == ["ann"]
    assert "dee" in people(await talk("oncall schedule payments"))


async def test_a_swap_is_asked_for_and_goes_both_ways(talk: Talk) -> None:
    """What is given, and as much of the other's next shift in return."""
    said = await by(talk, "bo", "oncall swap payments @ann tomorrow")
    assert "Ann is on call for payments (primary)" in said.text
    assert "Bo is on call for payments (primary)" in said.text

    await by(talk, "ann", "oncall agree C1")
    shifts = [
        row for row in (await talk("oncall schedule payments --for 4d")).result.table.rows if row.cells[1].text == "primary"
    ]
    assert [(row.cells[2].text, row.cells[5].text) for row in shifts][:4] == [
        ("ann", ""),
        ("ann", "bo"),
        ("bo", "ann"),
        ("bo", ""),
    ]


async def test_a_swap_can_be_declined(talk: Talk) -> None:
    """Whoever asked is told; it can't be agreed to afterwards."""
    await by(talk, "bo", "oncall swap payments @ann tomorrow")
    said = await by(talk, "ann", "oncall agree C1 --no")
    assert (said.text, mentions(said)) == ("C1: Ann can't; everything stays as it was", ["bo"])

    assert (await by(talk, "ann", "oncall agree C1")).failure.text == "C1 is declined already"


async def test_a_swap_that_no_longer_fits_says_why(talk: Talk) -> None:
    """Two asked for the same stretch; the second answer comes too late."""
    await by(talk, "bo", "oncall swap payments @ann tomorrow")
    await by(talk, "dee", "oncall cover payments tomorrow")

    failure = (await by(talk, "ann", "oncall agree C1")).failure
    assert failure.text.startswith("C1 no longer fits: Dee has ")
    assert failure.text.endswith("by now (C2)")


async def test_a_swap_needs_something_to_give(talk: Talk) -> None:
    """And somebody else to give it to."""
    assert (await by(talk, "dee", "oncall swap payments @ann tomorrow")).failure.text == "you are not on call for payments then"
    assert (await by(talk, "ann", "oncall swap payments @ann tomorrow")).failure.text == "that is you"
    assert "nobody of the rotas' people is zed" in (await by(talk, "ann", "oncall swap payments @zed tomorrow")).failure.text


async def test_an_unanswered_question_expires(talk: Talk) -> None:
    """The tick notes it; who answers then is told."""
    await by(talk, "bo", "oncall swap payments @ann tomorrow")
    await talk("oncall tick", at=time.time() + 2 * 86400, room="")

    assert (await by(talk, "ann", "oncall agree C1")).failure.text == "C1 is expired already"
    mark = await talk.marks.find("C1")
    assert mark is not None
    assert mark.state == "expired"


async def test_a_cover_is_taken_back_by_those_whom_it_concerns(talk: Talk) -> None:
    """The others are told, and the rota is as before."""
    await by(talk, "dee", "oncall cover payments tomorrow")
    assert "only they can take it back" in (await by(talk, "cy", "oncall uncover C1")).failure.text

    said = await by(talk, "dee", "oncall uncover")
    assert said.text.startswith("C1 is taken back; Bo is on call again ")
    assert mentions(said) == ["bo"]
    assert "dee" not in people(await talk("oncall schedule payments"))


async def test_nobody_is_left_to_escalate_to(talk: Talk) -> None:
    """Who would be on call in two layers is warned."""
    said = await by(talk, "cy", "oncall cover payments tomorrow")

    assert "Cy is on call as backup at the same time" in said.text


async def test_what_is_over_cannot_be_covered(talk: Talk) -> None:
    """Nor can what has no end."""
    assert (await talk(f"oncall cover payments {today() - timedelta(days=9):%Y-%m-%d}")).failure.text == "that is over"


async def test_the_load_is_told_in_words_and_figures(talk: Talk) -> None:
    """Pages count for whom they reached."""
    at = time.time() - 3600
    for number in range(4):
        draft = Draft(title="paged", at=at, until=at, detail={"target": "payments", "people": "bo"})
        await talk.marks.begin("P", draft, key=f"p{number}")

    said = await talk("oncall load payments --since 28d")

    rows = {row.cells[0].text: [cell.number for cell in row.cells[1:]] for row in said.result.table.rows}
    assert set(rows) == {"ann", "bo", "cy"}
    assert rows["bo"][-1] == 4
    assert abs(rows["cy"][0] - 28 * 24) < 0.2
    assert "a fair share is" in said.text
    assert "bo got 4 of 4 pages" in said.text


async def test_pages_of_other_teams_are_not_this_teams_load(talk: Talk) -> None:
    """Bo is on call for both."""
    at = time.time() - 3600
    for number, team in enumerate(("web", "web", "payments")):
        draft = Draft(title="paged", at=at, until=at, detail={"target": team, "people": "bo"})
        await talk.marks.begin("P", draft, key=f"p{number}")

    said = await talk("oncall load payments --since 28d")
    whole = await talk("oncall load --since 28d")

    pages = [{row.cells[0].text: row.cells[-1].number for row in one.result.table.rows}["bo"] for one in (said, whole)]
    assert pages == [1, 3]


async def test_a_hand_over_says_what_to_know(talk: Talk) -> None:
    """Incidents, pages and alerts that are open, deploys of the last day, and those that did not go well."""
    now = time.time()
    deploys, incidents = talk.marks.by("deploy"), talk.marks.by("incidents")
    await deploys.begin("D", Draft(title="shop v1 → v2", at=now - 900, until=now - 600, state="rolled-back"), key="d")
    await incidents.begin("I", Draft(title="checkout 5xx", at=now - 1200), key="i")

    said = await talk("oncall handover payments")

    assert "payments (primary): Ann hands over to Bo at " in said.text
    assert "1 open: I1; D1 did not go well" in said.text
    assert [row.cells[0].text for row in said.blocks[2].table.rows] == ["I1", "D1"]
    assert mentions(said) == []


async def test_the_tick_sets_a_timer_for_a_hand_over(talk: Talk) -> None:
    """Shortly before; the note asks for the attention of both, and is silent where nobody hands over any more."""
    midnight = tomorrow().timestamp()
    assert (await talk("oncall tick", at=midnight - 3600, room="")).asks == ()

    (ask,) = (await talk("oncall tick", at=midnight - 600, room="")).asks
    assert (ask.line, ask.room, ask.at, ask.key) == ("oncall handover payments", "payments", midnight, "handover.payments")

    note = await talk(ask.line, at=midnight, cause=ledger.CAUSE_TIMER)
    assert mentions(note)[:2] == ["ann", "bo"]
    assert (await talk(ask.line, at=midnight + 6 * 3600, cause=ledger.CAUSE_TIMER)).blocks == ()


async def test_a_feed_is_a_secret_that_can_be_renewed(talk: Talk) -> None:
    """It is read back by a calendar library; the former address serves nothing."""
    said = await talk("oncall feed payments")
    assert "the address is a secret" in said.text
    (name,) = talk.feeds.served
    calendar = Calendar.from_ical(talk.feeds.served[name].data)
    titles = {str(event["SUMMARY"]) for event in calendar.walk("VEVENT")}
    assert "Ann on call for payments (primary)" in titles
    assert name in said.text

    await talk("oncall feed payments")
    assert set(talk.feeds.served) == {name}
    await talk("oncall feed payments --renew")
    assert len(talk.feeds.served) == 1
    assert name not in talk.feeds.served


async def test_a_persons_feed_follows_the_rota(talk: Talk) -> None:
    """A cover is in it after the next tick."""
    await by(talk, "dee", "oncall feed")
    (name,) = talk.feeds.served
    assert not Calendar.from_ical(talk.feeds.served[name].data).walk("VEVENT")

    await by(talk, "dee", "oncall cover payments tomorrow")
    await talk("oncall tick", room="")

    (event,) = Calendar.from_ical(talk.feeds.served[name].data).walk("VEVENT")
    assert str(event["SUMMARY"]) == "On call for payments (primary)"
    assert "instead of Bo (C1)" in str(event["DESCRIPTION"])


async def test_a_mention_reaches_whoever_is_on_call(talk: Talk) -> None:
    """The first layer alone; of a word that is no team of ours nothing is said where nobody typed the command."""
    said = await talk("oncall mention payments")
    assert mentions(said) == ["ann"]
    assert "Behind you: Cy (backup)" in said.text

    assert (await talk("oncall mention pharmacy", cause=ledger.CAUSE_TRIGGER)).blocks == ()
    assert (await talk("oncall mention pharmacy")).failure.text == "there is no team “pharmacy”"


async def test_a_wrong_file_is_told_on_the_cards(talk: Talk, tmp_path: Path) -> None:
    """With the line; the rota before is in force."""
    await talk("oncall who payments")
    (tmp_path / "oncall.yaml").write_text(file().replace("1 day", "1 eon"))
    os.utime(tmp_path / "oncall.yaml", (1, 1))

    async def told() -> bool:
        return "the file is wrong since" in (await talk("oncall who payments")).text

    await eventually(told)
    said = await talk("oncall who payments")
    assert "Ann (primary) is on call" in said.text
    assert "the file is wrong since" in said.text
    assert "line 7" in said.text


async def test_times_are_those_of_whoever_asks(talk: Talk) -> None:
    """New York for Bo, Berlin for Ann."""
    assert "E" in (await by(talk, "bo", "oncall who payments")).text.split("until ")[1]
    assert "CE" in (await by(talk, "ann", "oncall who payments")).text.split("until ")[1]


async def test_a_second_attempt_says_what_the_first_one_did(talk: Talk) -> None:
    """Whether its worker was killed before or after it was written."""
    await by(talk, "bo", "oncall swap payments @ann tomorrow")

    talk.person = "ann"
    first = await talk("oncall agree", id="again")
    assert (await talk("oncall agree", id="again")).text == first.text
    assert first.text.startswith("C1: agreed.")

    await talk("oncall uncover", id="back")
    assert (await talk("oncall uncover", id="back")).text.startswith("C1 is taken back")
    assert (await talk("oncall uncover C1")).failure.text == "C1 is withdrawn already"
