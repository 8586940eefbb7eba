"""Who was mentioned, in talk and by bots."""

from __future__ import annotations

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import World, timestamp
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author, Key
from bellboard_gateway.mentions import Mentions
from bellboard_gateway.projection import Projection, View

WORLD = World()


def line(text: str, person: str = "ann", id: str = "l1") -> pb.RoomLine:
    return pb.RoomLine(id=id, room="general", person=person, text=text, at=timestamp(100.0))


def paging(board: Projection, *mentions: str, sequence: int = 2, id: str = "aaaa1") -> View:
    """A command of a bot that mentions somebody when it is done."""
    key = Key("ops-work", "practice", id)
    if not board.views:
        envelope = pb.Envelope(id=id, principal=pb.Principal(bot="oncall"), origin=pb.Origin(room="ops"))
        board.begin(key, envelope)
        received = WORLD.record(S.STATE_RECEIVED, command=pb.SignedEnvelope(envelope=envelope.SerializeToString()))
        board.record(key, Author.RUN, received, 1)
    reply = chat.Reply(blocks=[chat.Block(text=chat.Text(text="you are paged", mentions=mentions))])
    board.record(key, Author.BOT, WORLD.record(S.STATE_SUCCEEDED, outcome=pb.Outcome(reply=reply)), sequence)
    return board.views[id]


def test_a_name_in_talk_mentions() -> None:
    """Whoever it is, but nobody mentions themselves."""
    mentions = Mentions()
    mentions.line(line("@ann @bo look"))
    mentions.line(line("nobody", id="l2"))

    (one,) = mentions.of("bo")

    assert (one.id, one.room, one.by, one.text, one.at) == ("l1", "general", "ann", "@ann @bo look", 100.0)
    assert mentions.of("ann") == []
    assert mentions.of("bo", after=one.number) == []


def test_a_bot_mentions_each_person_once_by_a_command() -> None:
    """However often its card is drawn anew."""
    mentions, board = Mentions(), Projection()
    view = paging(board, "bo", "cy")
    for _ in range(3):
        mentions.command(view)

    assert [(one.by, one.room, one.text) for one in mentions.of("bo")] == [("oncall", "ops", "you are paged")]
    assert len(mentions.of("cy")) == 1


def test_a_card_that_goes_on_tells_nobody_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many others mention somebody meanwhile."""
    monkeypatch.setattr("bellboard_gateway.mentions.TOLD", 3)
    mentions, alert = Mentions(), paging(Projection(), "bo")
    for number in range(10):
        mentions.command(alert)
        mentions.command(paging(Projection(), "cy", id=f"bbbb{number}"))

    assert len(mentions.of("bo")) == 1
    assert len(mentions.of("cy")) == 10


def test_only_the_newest_are_kept() -> None:
    """The memory for them is bounded."""
    mentions = Mentions(keep=3)
    for number in range(10):
        mentions.line(line(f"@bo {number}", id=f"l{number}"))

    assert [one.id for one in mentions.of("bo")] == ["l7", "l8", "l9"]
