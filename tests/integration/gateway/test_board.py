"""The board on a real bus: what watchers see, also after they, or the bus, were away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.blobs import Blobs
from bellboard.ledger.state import S
from bellboard.ledger.subjects import Author
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from bellboard_gateway.board import Board
from bellboard_gateway.following import Cursor
from tests.integration.gateway.stage import Stage, envelope, progress_bar, text

pytestmark = pytest.mark.integration

ID = "k3f9a2aaaaaaaaaaaaaaaaaaaa"


def shown(stage: Stage, id: str) -> Sequence[chat.Block]:
    view = stage.board.known(id)
    return list(view.card().blocks) if view else []


async def seen_by(stage: Stage, room: str, after: int, lines_after: int, count: int) -> list[gateway.WatchRoomResponse]:
    events = []
    async with aclosing(stage.board.watch(room, after, lines_after)) as watching:
        async for event in watching:
            events.append(event)
            if len(events) == count:
                break
    return events


async def test_a_command_is_followed_from_its_line_to_its_end(stage: Stage) -> None:
    """Whoever waits for a command hears when it is final, though it was not on the board when they began."""
    waiting = asyncio.create_task(stage.board.until_final(ID))
    await stage.accept(envelope(ID))
    await stage.start(ID)
    await stage.finish(ID, text("fired"))
    view = await waiting
    assert view.record.state == S.STATE_SUCCEEDED
    assert view.card().blocks[0].text.text == "fired"


async def test_progress_is_shown_while_it_runs(stage: Stage) -> None:
    """It comes on a stream of its own, and never moves a command."""
    await stage.accept(envelope(ID))
    await stage.start(ID)
    await stage.progress(ID, 1, progress_bar("halfway", 0.5))
    await eventually(lambda: bool(shown(stage, ID)))
    assert shown(stage, ID)[0].progress.done == 0.5


async def test_a_watcher_that_was_away_goes_on_without_a_gap_and_nothing_twice(stage: Stage) -> None:
    """What came meanwhile is told, what was seen is not."""
    await stage.accept(envelope(ID))
    await stage.start(ID)
    await stage.finish(ID, text("fired"))
    await stage.rooms.say(room="general", message="line-1", person="ann", text="seen")
    await stage.board.until_final(ID)
    await eventually(lambda: bool(stage.board.lines("general")))
    first = await seen_by(stage, "general", 0, 0, 2)
    after = max(event.card.sequence for event in first)
    lines_after = max(event.line_sequence for event in first)
    for number in range(5):
        await stage.accept(envelope(f"new{number}aaaaaaaaaaaaaaaaaaaaaa"))
    await stage.rooms.say(room="general", message="line-2", person="ann", text="new")
    then = await seen_by(stage, "general", after, lines_after, 6)
    assert sorted(event.card.command_id[:4] for event in then if event.HasField("card")) == [f"new{n}" for n in range(5)]
    assert [event.line.text for event in then if event.HasField("line")] == ["new"]


async def test_every_replica_has_every_card(stage: Stage, bus_as: BusAs) -> None:
    """A second gateway that starts later knows what happened before, and from then on hears of the same."""
    await stage.accept(envelope(ID))
    bus = await bus_as("gw-2")
    other = Board(bus, Blobs(bus, "gw"))
    following = asyncio.create_task(other.run())
    await other.caught_up.wait()
    assert other.known(ID)
    await stage.start(ID)
    await stage.finish(ID, text("fired"))
    assert (await other.until_final(ID)).sequence == (await stage.board.until_final(ID)).sequence
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_watcher_that_does_not_keep_up_gets_the_last_state_of_each(stage: Stage) -> None:
    """It skips what was in between; nothing is kept for it."""
    async with aclosing(stage.board.batches("general")) as batches:
        await anext(batches)
        for number in range(20):
            id = f"c{number:02}aaaaaaaaaaaaaaaaaaaaaaa"
            await stage.accept(envelope(id))
            await stage.start(id)
            await stage.finish(id, text(f"{number}"))
        await stage.board.until_final("c19aaaaaaaaaaaaaaaaaaaaaaa")
        batch = await anext(batches)
    assert len(batch.views) == 20
    assert all(view.final for view in batch.views)
    assert batch.cursor.ledger == max(view.sequence for view in batch.views)


async def test_a_cursor_from_before_what_is_kept_starts_anew(stage: Stage) -> None:
    """Rather than a gap that nobody notices, the watcher is told to throw away what it has."""
    stage.board._following.begin = Cursor(10, 10)  # as if the board had begun to read there
    async with aclosing(stage.board.batches("general", Cursor(3, 3))) as batches:
        assert (await anext(batches)).reset


async def test_the_board_goes_on_where_it_was_when_the_bus_comes_back(stage: Stage, nats: NatsServer) -> None:
    """Records and progress from before, and after; nobody makes the streams anew."""
    await stage.accept(envelope(ID))
    await stage.start(ID)
    for index in range(1, 9):
        await stage.progress(ID, index, progress_bar("before", 0.1))
    await nats.restart()
    await eventually(lambda: stage.bus.connected and stage.bot_bus.connected)
    await stage.finish(ID, text("fired"))
    assert (await stage.board.until_final(ID)).card().blocks[0].text.text == "fired"
    other = "z3f9a2aaaaaaaaaaaaaaaaaaaa"
    await stage.accept(envelope(other))
    await stage.start(other)
    await stage.progress(other, 1, progress_bar("after", 0.2))
    await eventually(lambda: bool(shown(stage, other)), 20)


async def test_an_answer_too_large_for_a_record_is_read_from_its_blob(stage: Stage) -> None:
    """When somebody looks, not before."""
    await stage.accept(envelope(ID))
    await stage.start(ID)
    reply = chat.Reply(blocks=[text("long " * 1000)])
    ref = await Blobs(stage.bot_bus, "practice").put(reply.SerializeToString(), media_type="application/x-protobuf")
    await stage.move(ID, S.STATE_SUCCEEDED, outcome=pb.Outcome(reply_blob=ref))
    view = await stage.board.until_final(ID)
    assert not view.card().blocks
    assert list((await stage.board.card(view)).blocks) == list(reply.blocks)


async def test_the_history_of_a_command_is_every_record_in_order(stage: Stage) -> None:
    """Read from the ledger itself, by the beginning of an id."""
    await stage.accept(envelope(ID))
    await stage.start(ID)
    await stage.finish(ID)
    await stage.accept(envelope("other1aaaaaaaaaaaaaaaaaaaa"))
    await stage.board.until_final(ID)
    told = await stage.board.history("k3f9")
    assert [S.Name(record.state)[6:] for _, _, record in told] == ["RECEIVED", "CLAIMED", "STARTED", "SUCCEEDED"]
    assert [author for _, author, _ in told] == [Author.RUN, Author.BOT, Author.BOT, Author.BOT]
    assert await stage.board.history("nobody-knows-this-one-here") == []


async def test_rubbish_in_the_ledger_is_passed_over(stage: Stage) -> None:
    """One broken record does not blind the board for those that follow."""
    await stage.bot_bus.publish("led.ops-work.practice.rubbish.bot", b"\xff\xff\xff")
    await stage.bot_bus.publish(f"prog.practice.{ID}", b"\xff\xff\xff")
    await stage.accept(envelope(ID))
    await eventually(lambda: stage.board.known(ID) is not None)
    assert stage.board.known("rubbish") is None


async def test_who_waits_is_told_where_as_the_line_moves(stage: Stage) -> None:
    """Whoever watches the waiting command hears that it is the next, though nothing was written of it."""
    first, second, third = (f"{n}aaaaaaaaaaaaaaaaaaaaaaaaa" for n in "123")
    for id in (first, second, third):
        await stage.accept(envelope(id))
    await stage.start(first)
    for id in (second, third):
        await stage.move(id, S.STATE_QUEUED, turn=pb.Turn(key="range", holder=first))
    following = stage.board.follow(third)
    places = []
    async for view in following:
        if view.waits and view.waits.place not in places:
            places.append(view.waits.place)
            if places == [2]:
                await stage.finish(first, text("fired"))
                await stage.move(second, S.STATE_READY, Author.RUN)
            elif places[-1] == 1:
                break
    assert view.card().reason.startswith(f"Queued, 1st behind {second[:6]}")
