"""Places in a line: what a waiting card says, and that it stays true as the line moves."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import World, timestamp
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author, Key
from bellboard_gateway.cards import Waits
from bellboard_gateway.projection import Projection

WORLD = World()


class Room:
    """A board whose records come one after another."""

    def __init__(self) -> None:
        self.board, self.sequence = Projection(), 0

    def begin(self, id: str, room: str = "ops") -> None:
        """A command whose line is its id comes in."""
        envelope = pb.Envelope(id=id, line=f"deploy {id}", origin=pb.Origin(room=room), received_at=timestamp(100.0))
        self.board.begin(Key("ops-work", "deploy", id), envelope)
        command = pb.SignedEnvelope(envelope=envelope.SerializeToString())
        self._write(id, Author.RUN, S.STATE_RECEIVED, command=command)

    def write(self, id: str, state: pb.State.ValueType, **fields: Any) -> list[str]:
        """A record by whoever may write it; the others whose cards changed by it."""
        author = {S.STATE_READY: Author.RUN, S.STATE_CANCELLED: Author.GATEWAY}.get(state, Author.BOT)
        return self._write(id, author, state, **fields)

    def _write(self, id: str, author: Author, state: pb.State.ValueType, **fields: Any) -> list[str]:
        self.sequence += 1
        view = self.board.record(self.board.views[id].key, author, WORLD.record(state, **fields), self.sequence)
        assert view is not None
        return [other.key.id for other in self.board.moved(view) if other is not view]

    def queue(self, id: str, holder: str, turn: str = "shop.prod", room: str = "ops") -> None:
        """A command comes in, and waits."""
        if id not in self.board.views:
            self.begin(id, room)
        self.write(id, S.STATE_QUEUED, turn=pb.Turn(key=turn, holder=holder))

    def says(self, id: str) -> str:
        """What its card says."""
        return self.board.views[id].card().reason


@pytest.fixture
def room() -> Room:
    """One command has the turn, and two wait for it."""
    room = Room()
    room.begin("first1")
    room.write("first1", S.STATE_CLAIMED, epoch=1)
    room.queue("second", "first1")
    room.queue("third1", "first1")
    return room


def test_a_waiting_card_says_its_place_and_what_it_waits_for(room: Room) -> None:
    """The first in line, and the one behind it."""
    assert room.says("second") == "Queued, 1st behind first1: deploy first1"
    assert room.says("third1") == "Queued, 2nd behind first1: deploy first1"


def test_places_stay_true_as_the_line_moves(room: Room) -> None:
    """Whoever is served is the one that the others wait for; who waited longest is the first."""
    before = room.board.tick
    room.write("first1", S.STATE_SUCCEEDED)
    assert room.write("second", S.STATE_READY) == ["third1"]
    assert room.says("second") == "Its turn has come"
    assert room.says("third1") == "Queued, 1st behind second: deploy second"
    changed = [view.key.id for view in room.board.feed("ops").changed(before)]
    assert "third1" in changed, "whoever looks on is told"


def test_one_that_gives_up_makes_room(room: Room) -> None:
    """It was cancelled while it waited."""
    assert room.write("second", S.STATE_CANCELLED) == ["third1"]
    assert room.says("third1") == "Queued, 1st behind first1: deploy first1"


def test_one_whose_turn_was_taken_is_the_first_again(room: Room) -> None:
    """A newcomer was quicker; nobody goes back behind those who came later."""
    room.write("first1", S.STATE_SUCCEEDED)
    room.write("second", S.STATE_READY)
    room.begin("fourth")
    room.queue("second", "fourth")
    assert room.says("second") == "Queued, 1st behind fourth: deploy fourth"
    assert room.says("third1") == "Queued, 2nd behind fourth: deploy fourth"


def test_lines_before_other_keys_are_other_lines(room: Room) -> None:
    """Each is counted by itself."""
    room.queue("other1", "first1", turn="shop.test")
    assert room.says("other1").startswith("Queued, 1st behind")


def test_what_is_typed_in_another_room_is_not_told(room: Room) -> None:
    """Only the id of the one that has the turn."""
    room.queue("abroad", "first1", room="elsewhere")
    assert room.says("abroad") == "Queued, 3rd behind first1"


def test_nothing_is_kept_of_a_line_that_is_over(room: Room) -> None:
    """Memory is bounded by who waits."""
    room.write("first1", S.STATE_SUCCEEDED)
    for id in ("second", "third1"):
        room.write(id, S.STATE_READY)
        room.write(id, S.STATE_CLAIMED, epoch=1)
        room.write(id, S.STATE_SUCCEEDED)
    queues = room.board._queues
    assert (queues._lines, queues._key_of) == ({}, {})


@pytest.mark.parametrize(("place", "words"), [(3, "3rd"), (11, "11th"), (12, "12th"), (21, "21st"), (112, "112th")])
def test_places_are_counted_in_english(place: int, words: str) -> None:
    """Eleventh, and twenty-first."""
    assert Waits(place, "first1").said() == f"Queued, {words} behind first1"
