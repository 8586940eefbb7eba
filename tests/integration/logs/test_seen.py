"""What is known of a pasted error."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bellboard.api.ledger.v1.ledger_pb2 import CAUSE_TRIGGER
from bellboard.marks import Draft
from bellboard.testing.eventually import eventually
from bellboard.testing.talk import Said, Talk, TalkTo, settings_for
from bellboard_logs.bot import bot
from bellboard_logs.providers import register
from bellboard_logs.settings import Settings
from tests.integration.logs.test_logs_bot import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop that has said nothing yet."""
    return Shop(tmp_path / "sandbox")


@pytest.fixture
def talk(talk_to: TalkTo, tmp_path: Path, shop: Shop) -> Talk:
    """Says lines to the bot."""
    return talk_to(bot, register, settings_for(Settings, data_dir=tmp_path / "data", sandbox_dir=tmp_path / "sandbox"))


async def asked(talk: Talk, error: str, count: int) -> Said:
    """What is said of an error, once the store has heard of so many."""

    async def heard() -> Said | None:
        said = await talk(f"logs seen {error}")
        assert said.state == "SUCCEEDED", said.blocks
        return said if said.result.count >= count else None

    found = await eventually(heard)
    assert found is not None
    return found


async def test_a_known_error_is_told_how_often_and_after_which_deploy(talk: Talk, shop: Shop) -> None:
    """By its pattern, whatever the numbers in it are, and whatever stands around it."""
    deploy = await talk.marks.by("deploy").begin(
        "D", Draft(title="shop v1 → v2", at=time.time() - 700, app="shop", env="prod"), key="one"
    )
    for number in range(57):
        shop.say(f"payment token mismatch for order {number}", level="error", ago=600 - number)
    shop.say("another one that went wrong here", level="error")

    said = await asked(talk, "10:12:03.123 ERROR web v2 payment token mismatch for order 4711", 57)

    assert said.text.startswith("shop: seen 57 times since ")
    assert said.text.endswith(f" UTC, first after {deploy.id}")
    assert said.blocks[1].code.text == "payment token mismatch for order <*>"


async def test_a_line_of_json_is_known_by_its_message(talk: Talk, shop: Shop) -> None:
    """As it is copied from a file of logs."""
    shop.say("stock of tea is gone in warehouse 12", level="error")

    said = await asked(
        talk, '{"ts": "2026-11-22T10:12:03Z", "level": "error", "msg": "stock of tea is gone in warehouse 7"}', 1
    )

    assert "seen once at" in said.text


async def test_an_unknown_error_is_left_alone(talk: Talk, shop: Shop) -> None:
    """Where nobody asked nothing is said; who asks is told."""
    shop.say("payment token mismatch for order 1", level="error")
    await asked(talk, "payment token mismatch for order 2", 1)

    line = "logs seen KeyError: 'nothing of the kind was ever stored'"
    said = await talk(line, cause=CAUSE_TRIGGER)

    assert (said.state, said.blocks) == ("SUCCEEDED", ())
    assert (await talk(line)).text == "nothing like it in the last 24 hours"


async def test_secrets_in_a_pattern_are_masked(talk: Talk, shop: Shop) -> None:
    """A pattern may hold what every line of it held."""
    shop.say("login of the admin failed with password=correcthorse today", level="error")

    said = await asked(talk, "login of the admin failed with password=correcthorse today", 1)

    assert "correcthorse" not in str(said.blocks)


async def test_a_rehearsal_knows_the_sandbox_alone(talk: Talk, shop: Shop) -> None:
    """All that is stored here comes from it."""
    shop.say("payment token mismatch for order 1", level="error")
    await asked(talk, "payment token mismatch for order 2", 1)

    said = await talk("logs seen --sandbox payment token mismatch for order 3")

    assert said.result.count == 1
