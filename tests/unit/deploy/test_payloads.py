"""What people might type for an app, a version, an environment or a reason: no effect, and a short refusal."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bellboard import Failed, UserError
from bellboard.keep.memory import MemoryKeep
from bellboard.marks.memory import MemoryMarks
from bellboard_deploy import ask, history, work
from bellboard_deploy.desk import Desk
from bellboard_deploy.environments import Environments
from bellboard_deploy.gates import read_gates, read_stages
from bellboard_deploy.paper import PaperTown
from bellboard_deploy.providers import Environment

from .mortal import Death, Story

EVIL = [
    "$(reboot)",
    "`id`",
    "; rm -rf /",
    "../../etc/passwd",
    "%s%n",
    "{0.__class__}",
    "(a+)+$",
    "\x00",
    "a\nb",
    "-rf",
    "' OR 1=1",
]
words = st.one_of(st.text(max_size=200), st.sampled_from(EVIL), st.from_regex(r"[a-z0-9.$/\\;|&<>*?-]{1,80}", fullmatch=True))
KNOWN = {"shop", "sandbox", "v1", "v2", "v2.1", "v3", ""}
many = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LONGEST = 300


def refused(app: str, version: str, env: str) -> str:
    """The refusal of a deploy on paper, after which nothing has changed."""
    story = Story("v2.1")
    town = PaperTown()
    before = dict(town.replicas)
    desk = Desk(Environments({"sandbox": Environment("sandbox", deployer=town)}), MemoryKeep(), MemoryMarks("deploy"))

    async def run() -> None:
        want = ask.Wanted(app=app, version=version, env=env, reason="")
        async for _ in ask.carry_out(story.call(Death(-1)), want, desk):
            pass

    with pytest.raises((UserError, Failed)) as told:
        asyncio.run(run())
    assert town.replicas == before
    assert asyncio.run(_nothing_is_kept(desk))
    return f"{told.value.text} {told.value.hint}"


async def _nothing_is_kept(desk: Desk) -> bool:
    return not await desk.keep().list() and await desk.marks().find("D1") is None


@many
@given(words.filter(lambda word: word not in KNOWN))
def test_an_app_of_any_kind_is_refused(word: str) -> None:
    """Before anything is done."""
    assert len(refused(word, "v2", "sandbox")) < LONGEST


@many
@given(words.filter(lambda word: word not in KNOWN))
def test_a_version_of_any_kind_is_refused(word: str) -> None:
    """It is looked up among those that there are, and never handed on."""
    assert len(refused("shop", word, "sandbox")) < LONGEST


@many
@given(words.filter(lambda word: word not in KNOWN))
def test_an_environment_of_any_kind_is_refused(word: str) -> None:
    """So is one for a lock."""
    assert len(refused("shop", "v2", word)) < LONGEST


@many
@given(words, words)
def test_stages_and_gates_of_any_kind_are_understood_or_refused(stages: str, gate: str) -> None:
    """In a short sentence."""
    for read in (lambda: read_stages(stages), lambda: read_gates([gate])):
        said = ""
        try:
            read()
        except UserError as error:
            said = f"{error.text} {error.hint}"
        assert len(said) < LONGEST


@many
@given(words.filter(lambda word: word not in KNOWN), words)
def test_ids_backends_and_reasons_of_any_kind_do_no_harm(word: str, reason: str) -> None:
    """Ids and backends are refused, and a reason is kept as it was said."""
    town = PaperTown()
    desk = Desk(Environments({"sandbox": Environment("sandbox", balancer=town)}), MemoryKeep(), MemoryMarks("deploy"))
    call = Story("v2.1").call(Death(-1))

    async def run() -> None:
        for asked in (history.show(desk, word), work.wish(call, desk, word, "abort"), work.backend(desk.environment(""), word)):
            with pytest.raises(UserError) as told:
                await asked
            assert len(f"{told.value.text} {told.value.hint}") < LONGEST
        made = await work.lock(call, desk, "sandbox", reason, 0)
        assert (await desk.locks().against("sandbox")) == replace(made)
        assert made.reason == reason

    asyncio.run(run())
