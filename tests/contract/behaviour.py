"""How a bot behaves, whatever carries its lines. One suite, held against a bot without a bus and on a real one.

A subclass says how a line is said. The bots are memes and practice, the person is ann, the room is general.
"""

from __future__ import annotations

import io
import time
from abc import ABC, abstractmethod
from collections import Counter

import pytest
from PIL import Image

from bellboard.testing.talk import NOT_UNDERSTOOD, Ask, Said


def a_picture(size: tuple[int, int] = (640, 400)) -> bytes:
    """A PNG."""
    held = io.BytesIO()
    Image.new("RGB", size, "navy").save(held, "PNG")
    return held.getvalue()


class Behaviour(ABC):
    """The suite. Each test says lines, and looks only at what people and the outside world would see."""

    @abstractmethod
    async def say(self, line: str, *, upload: bytes | None = None, cancel: bool = False) -> Said:
        """Say a line as ann in general, and wait for its final state. ``cancel``: cancel it once its handler runs."""

    @abstractmethod
    async def fetch(self, sha256: str, owner: str) -> bytes:
        """The bytes of a blob."""

    @abstractmethod
    def effects(self) -> Counter[tuple[str, str]]:
        """How often each (command id, what) happened in the outside world of practice."""

    async def test_a_read_is_answered(self) -> None:
        """The simplest line of all."""
        said = await self.say("practice look far")

        assert said.state == "SUCCEEDED"
        assert said.text == "looked at far"
        assert not self.effects()

    async def test_an_idempotent_command_has_its_effect(self) -> None:
        """Its mark is left in the outside world, under the command's id."""
        said = await self.say("practice set a 3")

        assert said.state == "SUCCEEDED"
        assert said.text == "a is 3"
        assert self.effects() == {(said.id, "set"): 1}

    async def test_a_once_command_has_its_effect_once(self) -> None:
        """One line, one effect."""
        said = await self.say("practice fire a")

        assert said.state == "SUCCEEDED"
        assert self.effects() == {(said.id, "fire"): 1}

    async def test_the_same_line_again_is_another_command(self) -> None:
        """People may repeat themselves."""
        first, second = await self.say("practice fire a"), await self.say("practice fire a")

        assert first.id != second.id
        assert self.effects() == {(first.id, "fire"): 1, (second.id, "fire"): 1}

    async def test_a_failure_is_told_with_a_hint(self) -> None:
        """A failure that is certain is FAILED, even of a ONCE command, and nothing happened."""
        said = await self.say("practice fire a --fail")

        assert said.state == "FAILED"
        assert said.failure.text == "a did not go off"
        assert said.failure.hint == "leave out --fail"
        assert said.failure.trace_id == said.trace_id
        assert not self.effects()

    @pytest.mark.parametrize("line", ["practice set a 3?", "practice fire a ?", "practice fire a --dry-run"])
    async def test_a_preview_has_no_effect(self, line: str) -> None:
        """It says what would happen."""
        said = await self.say(line)

        assert said.state == "SUCCEEDED"
        assert said.text.startswith("would ")
        assert not self.effects()

    @pytest.mark.parametrize("line", ["practice set a 3 --sandbox", "practice fire a --sandbox", "practice climb x --sandbox"])
    async def test_a_rehearsal_has_its_effect_elsewhere(self, line: str) -> None:
        """It succeeds like the real thing, which hears nothing of it."""
        said = await self.say(line)

        assert said.state == "SUCCEEDED"
        assert said.line == line
        assert not self.effects()

    async def test_steps_are_taken_in_order(self) -> None:
        """Each step has its effect once; the last thing that was yielded is the answer."""
        said = await self.say("practice climb north")

        assert said.state == "SUCCEEDED"
        assert said.text == "up on north"
        assert list(self.effects().items()) == [((said.id, step), 1) for step in ("boots", "rope", "top")]

    async def test_a_question_ends_the_command(self) -> None:
        """Its choices are lines that can be said."""
        asked = await self.say("practice ask b")

        assert asked.state == "SUCCEEDED"
        (block,) = asked.blocks
        lines = [choice.line for choice in block.question.choices]
        assert lines == ["practice fire b", "practice look b"]
        answered = await self.say(lines[1])
        assert answered.text == "looked at b"

    async def test_every_kind_of_argument_arrives(self) -> None:
        """What was typed is what the bot was given."""
        said = await self.say(
            "practice every south 4 to prod --tag a --tag b --for 1h30m --ratio 0.5 --who @ann --where #general --loud"
            " -- and the rest"
        )

        assert said.state == "SUCCEEDED"
        given = said.result.given
        assert (given.direction, given.count, given.env, list(given.tag)) == (2, 4, "prod", ["a", "b"])
        assert (given.length.seconds, given.ratio, given.who, given.where) == (5400, 0.5, "ann", "general")
        assert (given.loud, given.rest) == (True, "and the rest")

    async def test_what_is_left_out_takes_its_default(self) -> None:
        """Defaults are the contract's."""
        given = (await self.say("practice every north 1")).result.given

        assert (given.env, given.tag, given.loud, given.rest) == ("sandbox", [], False, "")
        assert not given.HasField("picture")

    async def test_a_secret_is_masked_in_the_record(self) -> None:
        """The bot gets it; the line that is kept does not show it."""
        said = await self.say("practice every north 1 --token hunter2")

        assert said.result.given.token == "••••"
        assert "hunter2" not in f"{said.line}{said.blocks}"

    async def test_a_slip_is_put_right(self) -> None:
        """A line that is nearly a command is no command; the answer holds the right form."""
        said = await self.say("practice loook")

        assert said.state == NOT_UNDERSTOOD
        assert "practice look" in f"{said.failure.text} {said.failure.hint}"

    async def test_a_wrong_argument_is_named(self) -> None:
        """Out of bounds is said before anything is run."""
        said = await self.say("practice every north 11")

        assert said.state == NOT_UNDERSTOOD
        assert "10" in said.failure.text

    @pytest.mark.parametrize("line", ["practice look --wait 60s", "practice set a 3 --wait 60s", "practice fire a --wait 60s"])
    async def test_a_running_command_is_cancelled(self, line: str) -> None:
        """A handler that waits is stopped where it stands."""
        said = await self.say(line, cancel=True)

        assert said.state == "CANCELLED"
        assert not self.effects()

    async def test_a_bot_asks_for_another_line(self) -> None:
        """It is not run by the bot itself."""
        said = await self.say("practice send practice look")

        assert said.state == "SUCCEEDED"
        assert said.asked == ("practice look",)

    @pytest.mark.parametrize(
        ("flags", "where"),
        [
            ("--room ops", Ask("practice look", room="ops")),
            ("--room ops --thread t1", Ask("practice look", room="ops", thread="t1")),
            ("--card a1", Ask("practice look", card="a1")),
        ],
    )
    async def test_a_bot_says_where_a_line_is_to_run(self, flags: str, where: Ask) -> None:
        """And is told the id that its command will have."""
        said = await self.say(f"practice send {flags} practice look")

        assert said.asks == (where,)
        assert said.asks[0].id in said.text

    async def test_a_bot_says_when_a_line_is_to_run(self) -> None:
        """At a moment, under a name; and takes it back by that."""
        began = time.time()
        said = await self.say("practice send --after 1h --key page.P7 practice beat")
        taken_back = await self.say("practice unsend page.P7")

        (ask,) = said.asks
        assert (ask.line, ask.key, ask.room, ask.card) == ("practice beat", "page.P7", "", "")
        assert ask.at is not None
        assert began + 3590 < ask.at < time.time() + 3610
        assert (taken_back.asks, taken_back.unasked) == ((), ("page.P7",))

    async def test_a_preview_asks_for_nothing(self) -> None:
        """Nor takes anything back."""
        said = await self.say("practice unsend page.P7 ?")

        assert (said.asks, said.unasked) == ((), ())

    async def test_what_only_bots_run_runs(self) -> None:
        """And may say nothing."""
        said = await self.say("practice beat")

        assert said.state == "SUCCEEDED"
        assert said.blocks == ()
        assert self.effects() == {(said.id, "beat"): 1}

    async def test_a_meme_is_a_picture(self) -> None:
        """A JPEG of the size that is told, with words for those who can't see it."""
        said = await self.say('meme ship-it "works" "on my machine"')

        assert said.state == "SUCCEEDED"
        (block,) = said.blocks
        assert (block.image.width, block.image.height) == (800, 600)
        assert "on my machine" in block.image.alt
        data = await self.fetch(block.image.blob.sha256, block.image.blob.owner)
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            assert picture.size == (800, 600)

    async def test_a_picture_of_yours_becomes_a_meme(self) -> None:
        """The one that was uploaded with the line."""
        said = await self.say('meme picture "what I see"', upload=a_picture())

        assert said.state == "SUCCEEDED"
        assert (said.blocks[0].image.width, said.blocks[0].image.height) == (640, 400)

    async def test_dice_are_typed(self) -> None:
        """The result is for programs, the reply for people, and they agree."""
        said = await self.say("roll 3d6")

        assert said.state == "SUCCEEDED"
        assert len(said.result.dice) == 3
        assert sum(said.result.dice) == said.result.total
        assert str(said.result.total) in said.text
