"""What stands on the board, made from records as they come."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import World, timestamp
from bellboard.ledger.state import IllegalTransition, S
from bellboard.ledger.subjects import Author, Key
from bellboard_gateway.projection import EARLY, KEEP_ASIDE, Projection, View
from bellboard_gateway.stages import next_id

WORLD = World()


def key(id: str) -> Key:
    return Key("ops-work", "practice", id)


def begin(board: Projection, id: str, sequence: int, room: str = "general", at: float = 100.0) -> None:
    envelope = pb.Envelope(id=id, origin=pb.Origin(room=room), received_at=timestamp(at))
    command = pb.SignedEnvelope(envelope=envelope.SerializeToString())
    board.begin(key(id), envelope)
    assert board.record(key(id), Author.RUN, WORLD.record(S.STATE_RECEIVED, command=command), sequence)


def write(board: Projection, id: str, state: pb.State.ValueType, sequence: int, **fields: Any) -> None:
    assert board.record(key(id), Author.BOT, WORLD.record(state, **fields), sequence)


def says(id: str, index: int, words: str, attempt: str = "a1") -> pb.ProgressRecord:
    return pb.ProgressRecord(id=id, attempt=attempt, index=index, blocks=[chat.Block(text=chat.Text(text=words))])


def words(board: Projection, id: str) -> list[str]:
    return [block.text.text for block in board.views[id].card().blocks]


def test_the_newest_record_counts() -> None:
    """A card is where its command is, and each change gets a tick of its own."""
    board = Projection()
    begin(board, "aaaa1", 1)
    before = board.tick
    write(board, "aaaa1", S.STATE_CLAIMED, 2, epoch=1)
    assert board.views["aaaa1"].record.state == S.STATE_CLAIMED
    assert [view.key.id for view in board.feed("general").changed(before)] == ["aaaa1"]
    assert board.feed("general").changed(board.tick) == []


def test_a_record_that_was_seen_is_not_taken_in_again() -> None:
    """A follow that begins anew may tell the same twice."""
    board = Projection()
    begin(board, "aaaa1", 1)
    assert board.record(key("aaaa1"), Author.BOT, WORLD.record(S.STATE_CLAIMED), 1) is None


def test_a_bot_that_moves_a_command_where_it_may_not_go_is_not_listened_to() -> None:
    """What is final stays so, whatever a bot writes."""
    board = Projection()
    begin(board, "aaaa1", 1)
    write(board, "aaaa1", S.STATE_FAILED, 2)
    with pytest.raises(IllegalTransition):
        board.record(key("aaaa1"), Author.BOT, WORLD.record(S.STATE_SUCCEEDED), 3)
    assert board.views["aaaa1"].record.state == S.STATE_FAILED


def test_a_bot_that_writes_under_another_bots_command_changes_nothing() -> None:
    """The subject holds the bot's name, which it can't choose; the id it can."""
    board = Projection()
    begin(board, "aaaa1", 1)
    stranger = Key("ops-work", "stranger", "aaaa1")
    assert board.record(stranger, Author.BOT, WORLD.record(S.STATE_SUCCEEDED), 2) is None
    assert board.progress("stranger", says("aaaa1", 1, "lies")) is None
    assert board.views["aaaa1"].record.state == S.STATE_RECEIVED


def test_a_bot_can_not_say_what_its_command_is() -> None:
    """Line, person and room come from the gateway's record alone."""
    board = Projection()
    begin(board, "aaaa1", 1)
    forged = pb.SignedEnvelope(envelope=pb.Envelope(id="aaaa1", line="forged").SerializeToString())
    write(board, "aaaa1", S.STATE_CLAIMED, 2, command=forged)
    assert board.views["aaaa1"].envelope.line == ""


def test_the_attempt_that_the_final_record_names_decides_what_counts() -> None:
    """Two workers may have spoken; only the one that won is heard."""
    board = Projection()
    begin(board, "aaaa1", 1)
    board.progress("practice", says("aaaa1", 1, "from the first", "a1"))
    board.progress("practice", says("aaaa1", 1, "from the second", "a2"))
    assert words(board, "aaaa1") == ["from the second"]
    write(board, "aaaa1", S.STATE_SUCCEEDED, 2, outcome=pb.Outcome(attempt="a1"))
    assert words(board, "aaaa1") == ["from the first"]


def test_progress_after_the_end_changes_nothing() -> None:
    """Streams are apart, so progress may come late."""
    board = Projection()
    begin(board, "aaaa1", 1)
    write(board, "aaaa1", S.STATE_SUCCEEDED, 2)
    assert board.progress("practice", says("aaaa1", 1, "late")) is None


def test_progress_before_the_first_record_waits_for_it_but_not_without_end() -> None:
    """Streams are apart, so progress may come early; what never gets a record is let go."""
    board = Projection()
    for number in range(EARLY + 5):
        board.progress("practice", says(f"early{number}", 1, f"word {number}"))
    begin(board, "early0", 1)
    begin(board, f"early{EARLY}", 2)
    assert words(board, "early0") == []
    assert words(board, f"early{EARLY}") == [f"word {EARLY}"]


def test_the_oldest_finished_commands_are_let_go_and_open_ones_never() -> None:
    """Memory is bounded by what is finished and kept, and by what is open."""
    board = Projection(keep=3)
    begin(board, "open", 1)
    for number in range(6):
        begin(board, f"done{number}", 10 + 2 * number)
        write(board, f"done{number}", S.STATE_SUCCEEDED, 11 + 2 * number)
    assert sorted(board.views) == ["done3", "done4", "done5", "open"]
    assert sorted(board.feed("general").views) == sorted(board.views)


def test_old_lines_are_let_go_and_it_is_known_how_far() -> None:
    """Whoever has seen less than that must begin anew."""
    board = Projection(keep_lines=2)
    for number in range(1, 5):
        board.line(pb.RoomLine(id=f"m{number}", room="general"), number)
    feed = board.feed("general")
    assert [line.line.id for line in feed.lines] == ["m3", "m4"]
    assert feed.forgotten[0] == 2


def test_a_command_is_found_by_the_beginning_of_its_id_if_only_one_has_it() -> None:
    """Four characters at least, and never a guess between two."""
    board = Projection()
    begin(board, "k3f9aa", 1)
    begin(board, "k3f9bb", 2)
    assert board.find("k3f9aa") is board.views["k3f9aa"]
    assert board.find("k3f9b") is board.views["k3f9bb"]
    assert board.find("k3f9") is None
    assert board.find("k3f") is None
    assert board.find("nope1") is None


def test_the_recent_past_holds_the_newest_of_commands_and_lines_together() -> None:
    """And what comes before a moment, page by page."""
    board = Projection()
    for number in range(4):
        begin(board, f"cmd{number}", number + 1, at=100.0 + 10 * number)
        board.line(pb.RoomLine(id=f"m{number}", room="general", at=timestamp(105.0 + 10 * number)), number + 1)
    views, lines = board.feed("general").recent(3)
    assert ([view.key.id for view in views], [line.line.id for line in lines]) == (["cmd3"], ["m2", "m3"])
    views, lines = board.feed("general").recent(3, before=125.0)
    assert ([view.key.id for view in views], [line.line.id for line in lines]) == (["cmd1", "cmd2"], ["m1"])


def test_rooms_are_apart() -> None:
    """What happens in one is not told in another."""
    board = Projection()
    begin(board, "aaaa1", 1, room="ops")
    assert list(board.feed("general").views) == []
    assert list(board.feed("ops").views) == ["aaaa1"]


def stage(board: Projection, before: pb.Envelope | None, sequence: int, *pipe: str) -> pb.Envelope:
    """Accept a stage of a pipe, and let it succeed."""
    id, place = (next_id(before), before.stage + 1) if before else ("aaaa1", 0)
    envelope = pb.Envelope(id=id, pipe=pipe, stage=place, origin=pb.Origin(room="general"))
    board.begin(key(id), envelope)
    command = pb.SignedEnvelope(envelope=envelope.SerializeToString())
    assert board.record(key(id), Author.RUN, WORLD.record(S.STATE_RECEIVED, command=command), sequence)
    write(board, id, S.STATE_SUCCEEDED, sequence + 1)
    return envelope


def test_a_stage_that_is_done_waits_for_the_next() -> None:
    """Until that one is there; after the last nothing waits."""
    board = Projection()
    first = stage(board, None, 1, "b", "c")
    assert [view.key.id for view in board.handing_on.values()] == ["aaaa1"]
    second = stage(board, first, 3, "c")
    assert [view.key.id for view in board.handing_on.values()] == [second.id]
    stage(board, second, 5)
    assert not board.handing_on


def test_a_stage_that_fails_hands_nothing_on() -> None:
    """Its pipe has ended."""
    board = Projection()
    envelope = pb.Envelope(id="aaaa1", pipe=["b"], origin=pb.Origin(room="general"))
    board.begin(key("aaaa1"), envelope)
    board.record(key("aaaa1"), Author.RUN, WORLD.record(S.STATE_RECEIVED), 1)
    write(board, "aaaa1", S.STATE_FAILED, 2)
    assert not board.handing_on


def test_a_stage_that_is_forgotten_hands_nothing_on() -> None:
    """The board keeps only so many."""
    board = Projection(keep=1)
    stage(board, None, 1, "b")
    begin(board, "bbbb1", 3)
    write(board, "bbbb1", S.STATE_SUCCEEDED, 4)
    assert not board.handing_on


def unasked(board: Projection, id: str, sequence: int, *, at: float = 200.0, room: str = "general", **fields: Any) -> View:
    """A command that a bot's timer brought."""
    said = {"card": id, "cause": pb.CAUSE_TIMER, **fields}
    envelope = pb.Envelope(id=id, origin=pb.Origin(room=room), received_at=timestamp(at), **said)
    board.begin(key(id), envelope)
    view = board.record(key(id), Author.RUN, WORLD.record(S.STATE_RECEIVED), sequence)
    assert view is not None
    return view


def ends(board: Projection, id: str, sequence: int, words: str = "", state: pb.State.ValueType = S.STATE_SUCCEEDED) -> View:
    """It comes to its end, and everybody hears of it."""
    blocks = [chat.Block(text=chat.Text(text=words))] if words else []
    reason = "" if state == S.STATE_SUCCEEDED else words
    record = WORLD.record(state, outcome=pb.Outcome(reply=chat.Reply(blocks=blocks)), reason=reason)
    view = board.record(key(id), Author.BOT, record, sequence)
    assert view is not None
    board.moved(view)
    return view


def test_a_card_says_what_the_newest_that_brings_it_up_to_date_says() -> None:
    """Whichever comes to its end first; and while one runs the card stays as it is."""
    board = Projection()
    begin(board, "root", 1)
    ends(board, "root", 2, "first")
    for number, at in ((1, 201.0), (2, 202.0), (3, 203.0)):
        unasked(board, f"more{number}", 2 + number, at=at, card="root", refresh=True)
    assert words(board, "root") == ["first"]
    tick = board.tick
    ends(board, "more2", 6, "second")
    assert words(board, "root") == ["second"]
    assert [view.key.id for view in board.feed("general").changed(tick)] == ["root"]
    ends(board, "more1", 7, "too late")
    assert words(board, "root") == ["second"]
    ends(board, "more3", 8, "third")
    assert words(board, "root") == ["third"]
    card = board.views["root"].card()
    assert (card.state, card.sequence) == (S.STATE_SUCCEEDED, 8)


def test_a_card_that_could_not_be_brought_up_to_date_says_so() -> None:
    """It keeps what it said, until a later one succeeds."""
    board = Projection()
    begin(board, "root", 1)
    ends(board, "root", 2, "first")
    unasked(board, "more1", 3, at=201.0, card="root", refresh=True)
    ends(board, "more1", 4, "the provider is away", S.STATE_FAILED)
    assert words(board, "root") == ["first"]
    assert board.views["root"].card().reason == "It is not up to date. the provider is away"
    unasked(board, "more2", 5, at=202.0, card="root", refresh=True)
    ends(board, "more2", 6, "second")
    assert words(board, "root") == ["second"]
    assert board.views["root"].card().reason == ""


def test_hundreds_that_bring_a_card_up_to_date_take_no_room() -> None:
    """Neither in the room nor of what is kept of it; the card itself is kept as long as it goes on."""
    board = Projection(keep=3)
    begin(board, "root", 1, at=100.0)
    ends(board, "root", 2, "first")
    sequence = 2
    for number in range(KEEP_ASIDE + 200):
        unasked(board, f"more{number}", sequence + 1, at=200.0 + number, card="root", refresh=True)
        ends(board, f"more{number}", sequence + 2, f"word {number}")
        sequence += 2
        if number % 300 == 0:
            begin(board, f"else{number}", sequence + 1, at=200.0 + number)
            ends(board, f"else{number}", sequence + 2, "else")
            sequence += 2
    assert words(board, "root") == [f"word {KEEP_ASIDE + 199}"]
    assert set(board.feed("general").views) == {"root", "else600", "else900"}
    assert len(board.views) <= KEEP_ASIDE + 4


def test_what_runs_in_no_room_is_shown_in_none() -> None:
    """And takes no place of what is."""
    board = Projection(keep=2)
    begin(board, "aaaa1", 1)
    ends(board, "aaaa1", 2, "said")
    for number in range(10):
        unasked(board, f"tick{number}", 3 + 2 * number, room="")
        ends(board, f"tick{number}", 4 + 2 * number, "done")
    assert [id for feed in board.feeds.values() for id in feed.views] == ["aaaa1"]
    assert "aaaa1" in board.views


def test_what_nobody_typed_is_silent_until_it_says_something() -> None:
    """Then it comes into the room, and the room stirs."""
    board = Projection()
    unasked(board, "aaaa1", 1, at=300.0)
    assert list(board.feed("general").views) == []
    assert board.feed("general").at == 0.0
    board.progress("practice", says("aaaa1", 1, "at it"))
    assert [view.key.id for view in board.feed("general").recent(9)[0]] == ["aaaa1"]
    assert board.feed("general").at == 300.0


@pytest.mark.parametrize(
    ("fields", "state", "silent"),
    [
        ({}, S.STATE_SUCCEEDED, True),
        ({}, S.STATE_DENIED, True),
        ({}, S.STATE_EXPIRED, False),
        ({}, S.STATE_UNKNOWN, False),
        ({"card": "root"}, S.STATE_DENIED, False),
        ({"cause": pb.CAUSE_TRIGGER}, S.STATE_SUCCEEDED, True),
        ({"cause": pb.CAUSE_WEBHOOK}, S.STATE_SUCCEEDED, True),
        ({"cause": pb.CAUSE_BOT}, S.STATE_SUCCEEDED, True),
        ({"cause": pb.CAUSE_BOT, "card": "root"}, S.STATE_SUCCEEDED, False),
        ({"cause": pb.CAUSE_LINE}, S.STATE_SUCCEEDED, False),
    ],
)
def test_only_what_nobody_typed_and_nobody_has_to_see_is_silent(
    fields: dict[str, Any], state: pb.State.ValueType, silent: bool
) -> None:
    """What ran out of time or may have happened is told; what a room did not want is not."""
    board = Projection()
    view = unasked(board, "aaaa1", 1, **fields)
    view.record = WORLD.record(state)
    assert view.card().silent is silent
