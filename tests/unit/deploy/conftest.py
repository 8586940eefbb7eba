"""A person and a deploy bot whose environment is on paper, in a hurry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bellboard.testing.talk import Talk, TalkTo, settings_for
from bellboard_deploy import rollout
from bellboard_deploy.bot import bot
from bellboard_deploy.desk import Desk
from bellboard_deploy.environments import Environments
from bellboard_deploy.paper import PaperTown
from bellboard_deploy.providers import Environment, register
from bellboard_deploy.settings import Settings

Meet = Callable[..., Talk]


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and tries again at once."""
    monkeypatch.setattr(rollout, "TICK", 0.005)
    monkeypatch.setattr(rollout, "RETRIES", (0.0, 0.0))
    monkeypatch.setattr(rollout, "GRACE", 0.02)


@pytest.fixture
def town() -> PaperTown:
    """The environment."""
    return PaperTown()


@pytest.fixture
def meet(talk_to: TalkTo, hurry: None) -> Meet:
    """Talk to the bot about an environment that is handed over."""

    def make(town: PaperTown, **environments: Environment) -> Talk:
        talk = talk_to(bot, register, settings_for(Settings))
        known = {"sandbox": Environment("sandbox", deployer=town, balancer=town, gauges=town), **environments}
        talk.provide(Desk, Desk(Environments(known), talk.keep, talk.marks))
        return talk

    return make


@pytest.fixture
def talk(meet: Meet, town: PaperTown) -> Talk:
    """Talk to the bot about the town."""
    return meet(town)
