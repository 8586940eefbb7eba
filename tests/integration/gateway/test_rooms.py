"""Talk and uploads on a real bus."""

from __future__ import annotations

import pytest

from bellboard.errors import UserError
from bellboard.testing import eventually
from bellboard_gateway.rooms import MAX_UPLOAD
from tests.integration.gateway.stage import Stage

pytestmark = pytest.mark.integration

PNG = b"\x89PNG\r\n\x1a\n" + b"not decoded here"


async def test_a_line_that_is_said_again_is_the_same_line(stage: Stage) -> None:
    """A browser that got no answer asks again; the room hears it once, as it was first said."""
    first = await stage.rooms.say(room="ops", message="same-message", person="ann", text="hello")
    again = await stage.rooms.say(room="ops", message="same-message", person="ann", text="hello, changed")
    assert again == first
    await stage.rooms.say(room="ops", message="next-message", person="ann", text="next")
    await eventually(lambda: len(stage.board.lines("ops")) == 2)
    assert [line.text for line in stage.board.lines("ops")] == ["hello", "next"]


@pytest.mark.parametrize("word", ["a.b", "*", ">", "ä b", ""])
async def test_a_message_id_can_not_reach_beyond_its_room(stage: Stage, word: str) -> None:
    """Whatever an id holds, it is one word of the subject."""
    await stage.rooms.say(room="ops", message=word, person="ann", text="hello")
    await eventually(lambda: [line.id for line in stage.board.lines("ops")] == [word])


async def test_a_line_that_is_too_long_is_refused(stage: Stage) -> None:
    """And so are too many uploads: the person is told, nothing is stored."""
    with pytest.raises(UserError, match="too long"):
        await stage.rooms.say(room="ops", message="m1", person="ann", text="ä" * 2049)


async def test_an_upload_is_kept_as_what_it_is(stage: Stage) -> None:
    """The name says nothing about it, the first bytes do."""
    ref = await stage.rooms.upload(PNG, "evil.html")
    assert (ref.owner, ref.media_type, ref.size, ref.name) == ("gw", "image/png", len(PNG), "evil.html")
    assert await stage.blobs.get(ref) == PNG
    assert (await stage.rooms.upload(b"<svg onload=alert(1)>", "x.png")).media_type == "application/octet-stream"


@pytest.mark.parametrize("size", [0, MAX_UPLOAD + 1])
async def test_an_upload_of_no_size_or_too_much_is_refused(stage: Stage, size: int) -> None:
    """Before anything is stored."""
    with pytest.raises(UserError):
        await stage.rooms.upload(b"x" * size, "x")


async def test_the_last_picture_of_a_room_is_the_newest_picture_there(stage: Stage) -> None:
    """Files that are no pictures, and other rooms, do not count; a person's own can be asked for."""
    one, two = await stage.rooms.upload(PNG + b"1", "1.png"), await stage.rooms.upload(PNG + b"2", "2.png")
    plain = await stage.rooms.upload(b"plain", "3.txt")
    assert stage.rooms.last_picture("ops") is None
    for number, (person, room, ref) in enumerate(
        [("ann", "ops", one), ("bo", "ops", two), ("bo", "ops", plain), ("bo", "play", one)]
    ):
        await stage.rooms.say(room=room, message=f"m{number}", person=person, text="", uploads=[ref])
    await eventually(lambda: len(stage.board.lines("ops")) == 3)
    assert stage.rooms.last_picture("ops") == two
    assert stage.rooms.last_picture("ops", "ann") == one
