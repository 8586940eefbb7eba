"""What stands on the board, made from records as they come."""

from __future__ import annotations

from typing import Any

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.ledger.ops import World, timestamp
from bellboard.ledger.state import IllegalTransition, S
from bellboard.ledger.subjects import Author, Key
from bellboard_gateway.projection import EARLY, Projection
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
