"""The logs bot, talked to, with lines in its embedded store."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bellboard.keep import Keep
from bellboard.marks import Draft, Marks
from bellboard.testing.eventually import eventually
from bellboard.testing.talk import Said, Talk, TalkTo, settings_for
from bellboard_logs.bot import bot
from bellboard_logs.providers import register
from bellboard_logs.settings import Settings

NOW = time.time()
SECRET = "hunter2" * 2


class Shop:
    """What the shop of the sandbox says, into a file that the bot follows."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "logs" / "web.jsonl"
        self._file.parent.mkdir(parents=True)
        self._file.touch()

    def say(self, message: str, *, level: str = "info", ago: float = 60.0, **more: object) -> None:
        at = datetime.fromtimestamp(time.time() - ago, UTC).isoformat()
        said = {"ts": at, "level": level, "app": "shop", "service": "web", "version": "v2", "msg": message, **more}
        with self._file.open("a") as file:
            file.write(json.dumps(said) + "\n")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop that has said nothing yet."""
    return Shop(tmp_path / "sandbox")


@pytest.fixture
def talk(talk_to: TalkTo, tmp_path: Path, shop: Shop) -> Talk:
    """Says lines to the bot."""
    return talk_to(bot, register, settings_for(Settings, data_dir=tmp_path / "data", sandbox_dir=tmp_path / "sandbox"))


async def told(talk: Talk, line: str, total: int) -> Said:
    """A search's answer, once the store has heard of so many lines."""

    async def heard() -> Said | None:
        said = await talk(line)
        assert said.state == "SUCCEEDED", said.blocks
        return said if said.result.total >= total else None

    found = await eventually(heard)
    assert found is not None
    return found


def lines_of(said: Said) -> str:
    return "\n".join(block.code.text for block in said.blocks if block.HasField("code"))


async def test_the_telling_lines_are_on_the_card(talk: Talk, shop: Shop) -> None:
    """The error among many others, the range as it was understood, the levels, and an id."""
    for number in range(200):
        shop.say(f"order {number}", ago=300 - number)
    shop.say("payment token mismatch", level="error", ago=250)

    said = await told(talk, "logs shop --since 15m", 201)

    assert "payment token mismatch" in lines_of(said)
    assert len(lines_of(said).splitlines()) == 12
    assert "UTC (15 min)" in said.text
    assert "1 error, 200 info" in said.text
    assert said.result.mark == "L1"
    assert [column.name for column in said.result.table.columns][:3] == ["time", "level", "app"]
    assert len(said.result.table.rows) == 201


async def test_secrets_are_masked_wherever_they_would_show(talk: Talk, shop: Shop) -> None:
    """On the card, in the file, in the table, in patterns and counts."""
    shop.say(f"login with password={SECRET}", level="error", session_token=SECRET)
    said = await told(talk, "logs shop", 1)
    file = await talk.blobs.get(said.result.file)

    others = [await talk(line) for line in ("logs top shop", "logs new shop", "logs count shop --by pattern", "logs show L1")]

    assert "••••" in lines_of(said)
    assert SECRET.encode() not in file
    assert SECRET not in f"{said} {others}"


async def test_raw_lines_are_a_command_of_their_own(talk: Talk, shop: Shop) -> None:
    """With a right of its own, and neither a file nor an id."""
    shop.say(f"login with password={SECRET}")
    await told(talk, "logs shop", 1)

    said = await talk("logs raw shop")

    assert SECRET in lines_of(said)
    assert (said.result.mark, said.result.file.size) == ("", 0)


async def test_an_answer_is_paged_as_it_was(talk: Talk, shop: Shop) -> None:
    """What came since is not in it."""
    for number in range(150):
        shop.say(f"order {number}", ago=200 - number)
    await told(talk, "logs shop", 150)
    shop.say("later")

    listed, second = await talk("logs show"), await talk("logs show l1 --page 2")

    assert listed.blocks[0].table.rows
    assert "order 149" in lines_of(second)
    assert "page 2 of 2" in second.text
    assert (await talk("logs show L1 --page 3")).failure.hint == "it has 2"


async def test_an_answer_is_not_shown_elsewhere(talk: Talk, shop: Shop) -> None:
    """Neither in another room, nor by an id of another kind."""
    shop.say("order 1")
    await told(talk, "logs shop", 1)
    talk.room, talk.person = "elsewhere", "bob"

    assert (await talk("logs show L1")).state == "FAILED"


async def test_new_patterns_are_those_since_a_deploy(talk: Talk, shop: Shop) -> None:
    """By the deploy's id."""
    shop.say("order 1", ago=600)
    shop.say("order 2")
    shop.say("payment token mismatch for order 3", level="error")
    await told(talk, "logs shop", 3)
    marks = talk._providers.get(Marks)
    deploy = await marks.begin("D", Draft(title="shop v2", at=time.time() - 120, app="shop"), key="d")

    said = await talk(f"logs new shop --since {deploy.id}")

    assert [row.cells[3].text for row in said.result.table.rows] == ["payment token mismatch for order <*>"]
    assert "since D1" in said.text


async def test_neighbours_are_shown(talk: Talk, shop: Shop) -> None:
    """The line itself is marked."""
    for number in range(5):
        shop.say(f"step {number}", ago=100 - number)
    await told(talk, "logs shop", 5)

    said = await talk('logs shop "step 2" --context 1')

    assert [part.split()[-1] for part in lines_of(said).splitlines()] == ["1", "2", "3"]
    assert lines_of(said).splitlines()[1].startswith("> ")


async def test_counts_come_as_a_table(talk: Talk, shop: Shop) -> None:
    """For a pipe too."""
    shop.say("a")
    shop.say("b", level="error")
    await told(talk, "logs shop", 2)

    said = await talk("logs count shop --by level")

    rows = {row.cells[0].text: row.cells[1].number for row in said.result.table.rows}
    assert rows == {"info": 1, "error": 1}


async def test_a_tail_ends_with_a_summary(talk: Talk, shop: Shop) -> None:
    """By pattern."""
    await talk("logs shop")
    said = await talk("logs tail shop --for 1s")

    assert said.progress
    assert "followed shop" in said.text


async def test_a_tail_can_be_stopped(talk: Talk) -> None:
    """By its person, in its room."""
    await talk("logs stop", at=NOW + 10)
    assert await talk._providers.get(Keep).list("stop")

    said = await talk("logs tail shop --for 10m", at=NOW + 5)

    assert "when it was stopped" in said.text


async def test_a_rehearsal_sees_the_sandbox_alone(talk: Talk, shop: Shop) -> None:
    """Whatever environment it names."""
    shop.say("order 1")
    await told(talk, "logs shop", 1)

    said = await talk("logs shop --env prod --sandbox")

    assert "order 1" in lines_of(said)
    assert not (await talk("logs shop --env prod")).result.total
