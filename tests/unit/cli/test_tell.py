"""What `bell say` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.ledger.v1 import ledger_pb2 as ledger
from bellboard.replies import table
from bellboard_cli.tell import ForPeople, ForPrograms

CARD = gateway.Card(
    command_id="abcdefgh",
    state=ledger.STATE_SUCCEEDED,
    final=True,
    blocks=[chat.Block(text=chat.Text(text="done"))],
    trace_id="0af7",
)
CARET = gateway.NotUnderstood(
    reason="there is no template shipit",
    line="meme shipit",
    caret=5,
    length=6,
    suggestion="meme ship-it",
    code="not_understood",
)


def told(*cards: gateway.Card, more: Sequence[gateway.Card] = ()) -> None:
    """A program is told of a command to its end, and then of what that asked for."""
    tell = ForPrograms()
    for card in cards:
        tell.card(card)
    for card in more:
        tell.more(card)
    tell.done()


def test_what_a_command_asked_for_comes_before_its_last_word(capsys: pytest.CaptureFixture[str]) -> None:
    """So the last line is the command's own, whatever follows from it."""
    child = gateway.Card(command_id="child", card_id="abcdefgh", state=ledger.STATE_SUCCEEDED, final=True)
    told(CARD, more=[child])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["command_id"], line.get("parent")) for line in lines] == [("child", "abcdefgh"), ("abcdefgh", None)]


def test_people_see_what_a_command_asked_for_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    """With its line, so that they know what it is."""
    child = gateway.Card(line="graph errors shop", state=ledger.STATE_SUCCEEDED, final=True, blocks=CARD.blocks)
    tell = ForPeople(lambda _: "")
    tell.card(CARD)
    tell.more(child)
    tell.done()

    assert capsys.readouterr().out.splitlines() == ["done", "» graph errors shop", "done"]


def test_a_wide_table_is_not_cut_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever reads along has no width."""
    word = "w" * 300
    ForPeople(lambda _: "").card(
        gateway.Card(state=ledger.STATE_SUCCEEDED, final=True, blocks=[table(["one", "two"], [(word, word)])])
    )

    assert f"{word} │ {word}" in capsys.readouterr().out


def test_programs_get_one_object_a_line_with_the_promised_names(capsys: pytest.CaptureFixture[str]) -> None:
    """The names are an interface."""
    told(CARD)

    (line,) = capsys.readouterr().out.splitlines()
    card = json.loads(line)
    assert list(card) == ["command_id", "state", "final", "blocks", "trace_id", "at"]
    assert card["state"] == "SUCCEEDED"
    assert card["final"] is True
    assert card["blocks"] == [{"text": {"text": "done"}}]


def test_programs_are_told_of_a_rehearsal(capsys: pytest.CaptureFixture[str]) -> None:
    """Else a program would take it for the real thing."""
    rehearsed = gateway.Card()
    rehearsed.CopyFrom(CARD)
    rehearsed.rehearsal = True
    told(rehearsed)

    assert json.loads(capsys.readouterr().out)["rehearsal"] is True


def test_everybody_is_told_where_a_trace_can_be_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs always, people where something went wrong; and nobody where there is no such place."""
    url = "https://jaeger.example.com/trace/0af7"
    failed = gateway.Card(command_id="abcdefgh", state=ledger.STATE_FAILED, final=True, trace_id="0af7", trace_url=url)
    told(failed)
    assert json.loads(capsys.readouterr().out)["trace_url"] == url

    ForPeople(lambda _: "").card(failed)
    assert capsys.readouterr().err.splitlines() == ["FAILED  (abcdef, trace 0af7)", url]


def test_programs_are_told_of_a_refusal_in_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    """There is no command then, and it is final."""
    ForPrograms().refused(CARET, final=True)

    card = json.loads(capsys.readouterr().out)
    assert (card["command_id"], card["state"], card["final"]) == ("", "NOT_UNDERSTOOD", True)
    assert card["blocks"][0]["failure"]["hint"] == "meme ship-it"
    assert datetime.fromisoformat(card["at"]) <= datetime.now(UTC)


def test_programs_are_told_that_unconfirmed_is_no_end(capsys: pytest.CaptureFixture[str]) -> None:
    """It is asked for again."""
    ForPrograms().refused(gateway.NotUnderstood(reason="the bus does not answer", code="unconfirmed"), final=False)

    assert json.loads(capsys.readouterr().out)["final"] is False


def test_programs_are_told_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """A record that changes only when it was written is no news; what is new is told."""
    tell, started = ForPrograms(), gateway.Card(command_id="abcdefgh", state=ledger.STATE_STARTED)
    later = gateway.Card(command_id="abcdefgh", state=ledger.STATE_STARTED)
    later.at.seconds = 5

    for card in (started, started, later, CARD):
        tell.card(card)
    tell.done()

    states = [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()]
    assert states == ["STARTED", "SUCCEEDED"]


def test_notes_never_reach_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read stdout."""
    ForPrograms().note("asking again")

    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "asking again\n")


def test_people_see_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing else where all went well."""
    ForPeople(str).card(CARD)

    said = capsys.readouterr()
    assert (said.out, said.err) == ("done\n", "")


def test_people_see_where_the_line_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """The line, the caret under it, the reason, the nearest right form."""
    ForPeople(str).refused(CARET, final=True)

    assert capsys.readouterr().err.splitlines() == [
        "meme shipit",
        "     ^^^^^^",
        "there is no template shipit",
        "meme ship-it",
    ]


def test_people_see_the_whole_line_put_right_where_it_can_be(capsys: pytest.CaptureFixture[str]) -> None:
    """To copy and send; the caret stands under the word though some characters are two columns wide."""
    why = gateway.NotUnderstood(
        reason="there is none",
        line="meme 鈴 shipit",
        caret=7,
        length=6,
        suggestion="ship-it",
        corrected="meme 鈴 ship-it",
    )
    ForPeople(str).refused(why, final=True)

    assert capsys.readouterr().err.splitlines() == ["meme 鈴 shipit", "        ^^^^^^", "there is none", "meme 鈴 ship-it"]


def test_people_are_told_once_why_it_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """The answer says it; the state and the id are what is left."""
    failure = chat.Block(failure=chat.Failure(text="no such app", code="failed"))
    ForPeople(str).card(
        gateway.Card(command_id="abcdefgh", state=ledger.STATE_FAILED, final=True, reason="no such app", blocks=[failure])
    )

    said = capsys.readouterr()
    assert (said.out + said.err).count("no such app") == 1
    assert said.err.startswith("FAILED  (abcdef")


def test_people_see_what_became_of_a_command_that_did_not_succeed(capsys: pytest.CaptureFixture[str]) -> None:
    """With its reason and its id, by which it can be resolved."""
    card = gateway.Card(command_id="abcdefgh", state=ledger.STATE_UNKNOWN, final=True, reason="its worker was lost")

    ForPeople(str).card(card)

    assert "UNKNOWN: its worker was lost  (abcdef" in capsys.readouterr().err


def test_people_see_progress_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The same card again says nothing new."""
    card = gateway.Card(state=ledger.STATE_STARTED, blocks=[chat.Block(progress=chat.Progress(text="half way", done=0.5))])
    tell = ForPeople(str)

    tell.card(card)
    tell.card(card)

    assert capsys.readouterr().err == "STARTED half way 50%\n"


def test_people_are_told_what_a_command_waits_for_and_which_step_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, while it is not final."""
    tell = ForPeople(lambda blob: "")
    tell.card(gateway.Card(state=ledger.STATE_QUEUED, reason="Queued, 1st behind abc"))
    steps = [
        ledger.StepRecord(name="pin", state=ledger.STEP_STATE_DONE),
        ledger.StepRecord(name="start", state=ledger.STEP_STATE_STARTED),
        ledger.StepRecord(name="record"),
    ]
    tell.card(gateway.Card(state=ledger.STATE_STEP, steps=steps))

    assert capsys.readouterr().err.splitlines() == ["QUEUED Queued, 1st behind abc", "STEP start"]
