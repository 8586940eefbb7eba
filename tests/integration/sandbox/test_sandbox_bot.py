"""The sandbox bot, talked to, with a sandbox that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bellboard.testing.talk import Talk, TalkTo, settings_for
from bellboard_sandbox.bot import bot
from bellboard_sandbox.providers import register
from bellboard_sandbox.settings import Settings
from tests.integration.sandbox.towns import Town


@pytest.fixture
def talk(talk_to: TalkTo, town: Town) -> Talk:
    """Says lines to the bot."""
    return talk_to(bot, register, settings_for(Settings, sandbox_dir=town.folder))


async def test_it_is_broken_and_healed(talk: Talk, town: Town) -> None:
    """Twice is once."""
    said = [await talk("sandbox break shop db-slow") for _ in range(2)][-1]

    assert [fault.name for fault in said.result.faults] == ["db-slow"]
    assert [fault["fault"] for fault in await town.told("GET", "faults")] == ["db-slow"]
    assert "broken: shop by db-slow" in (await talk("sandbox status")).text
    assert (await talk("sandbox heal")).state == "SUCCEEDED"
    assert await town.told("GET", "faults") == []


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("sandbox break shp db-slow", "did you mean shop?"),
        ("sandbox break shop dbslow", "did you mean db-slow?"),
        ("sandbox break shop ../../etc", "there is db-slow, errors, crash"),
    ],
)
async def test_what_is_not_there_is_told_by_the_nearest(talk: Talk, line: str, hint: str) -> None:
    """An app or a fault."""
    said = await talk(line)

    assert (said.state, said.failure.hint) == ("FAILED", hint)


async def test_a_reset_shows_first_what_there_is_to_lose(talk: Talk, town: Town) -> None:
    """And then loses it."""
    await town.add("web-9", "v3")
    shown = await talk("sandbox reset ?")

    assert "web-9" in f"{shown.blocks}"
    assert "web-9" in await town.replicas()
    assert (await talk("sandbox reset")).state == "SUCCEEDED"
    assert list(await town.replicas()) == ["web-1", "web-2"]


async def test_a_sandbox_that_does_not_run_is_told(talk_to: TalkTo, tmp_path: Path) -> None:
    """With what would run it."""
    said = await talk_to(bot, register, settings_for(Settings, sandbox_dir=tmp_path))("sandbox heal")

    assert (said.state, said.failure.text) == ("FAILED", "the sandbox does not run")
