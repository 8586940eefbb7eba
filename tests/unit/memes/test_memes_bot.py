"""The memes bot, talked to."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bellboard.testing.talk import NOT_UNDERSTOOD, Talk, TalkTo, settings_for
from bellboard_memes.bot import bot
from bellboard_memes.providers import register
from bellboard_memes.settings import Settings


@pytest.fixture
def talk(talk_to: TalkTo) -> Talk:
    """Says lines to the bot."""
    return talk_to(bot, register, settings_for(Settings))


@pytest.mark.parametrize("template", ["ship-it", "this-is-fine", "paged"])
async def test_each_template_is_drawn(talk: Talk, template: str) -> None:
    """A JPEG of 800x600, that is no plain colour."""
    said = await talk(f'meme {template} "top" "bottom"')

    (block,) = said.blocks
    data = await talk.blobs.get(block.image.blob)
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        assert picture.size == (800, 600)
        assert len(set(picture.resize((40, 30)).tobytes())) > 100
    assert (block.image.blob.media_type, block.image.blob.name) == ("image/jpeg", f"{template}.jpg")


async def test_those_who_cannot_see_it_are_told(talk: Talk) -> None:
    """What the picture shows, and its words."""
    said = await talk('meme paged "" "again"')

    assert said.blocks[0].image.alt == "A bell, ringing in the night; below: “again”"


async def test_the_same_meme_is_the_same_picture(talk: Talk) -> None:
    """So it is stored once."""
    first, second = await talk("meme paged a b"), await talk("meme paged a b")

    assert first.blocks[0].image.blob.sha256 == second.blocks[0].image.blob.sha256


async def test_without_a_picture_it_says_how(talk: Talk) -> None:
    """The hint is the nearest right form."""
    said = await talk('meme picture "a"')

    assert said.state == "FAILED"
    assert "--on last" in said.failure.hint


async def test_the_rooms_last_picture_is_used(talk: Talk) -> None:
    """Uploaded by whomever, before."""
    held = io.BytesIO()
    Image.new("RGB", (300, 500), "teal").save(held, "WEBP")
    await talk.upload(held.getvalue(), media_type="image/webp")

    said = await talk('meme picture "what I see" --on last')

    assert (said.blocks[0].image.width, said.blocks[0].image.height) == (300, 500)


async def test_an_upload_that_is_no_picture_is_refused(talk: Talk) -> None:
    """In words that help."""
    said = await talk("meme picture a", upload=b"not a picture")

    assert said.state == "FAILED"
    assert "PNG, JPEG, GIF or WebP" in said.failure.hint


async def test_the_list_shows_every_template(talk: Talk) -> None:
    """A table, and a small picture of each drawing."""
    said = await talk("meme list")

    listed, *pictures = said.blocks
    names = [row.cells[0].text for row in listed.table.rows]
    assert names == ["ship-it", "this-is-fine", "paged", "picture"] == list(said.result.templates)
    assert [(block.image.width, block.image.height) for block in pictures] == [(240, 180)] * 3


async def test_a_second_attempt_throws_the_same_dice(talk: Talk) -> None:
    """Which is what makes it idempotent."""
    first = await talk("roll 8d20", id="c1")
    again = await talk("roll 8d20", id="c1", attempt=2)
    other = await talk("roll 8d20", id="c2")

    assert first.result == again.result != other.result


@pytest.mark.parametrize(
    ("line", "count", "most"), [("roll", 1, 6), ("roll d20", 1, 20), ("roll 3D8", 3, 8), ("roll 40d1000", 40, 1000)]
)
async def test_dice_are_written_as_players_do(talk: Talk, line: str, count: int, most: int) -> None:
    """How many, which, and d6 if nothing is said."""
    result = (await talk(line)).result

    assert len(result.dice) == count
    assert all(1 <= die <= most for die in result.dice)


@pytest.mark.parametrize("dice", ["2x6", "d", "2d", "6", "0d6", "41d6", "2d1", "2d1001", "-1d6", "٢d6", "999d9999"])
async def test_what_are_no_dice_is_refused(talk: Talk, dice: str) -> None:
    """With the right form."""
    said = await talk(f"roll {dice}")

    assert said.state in ("FAILED", NOT_UNDERSTOOD)
    assert said.failure.text
