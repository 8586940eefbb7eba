"""Settings come from the environment, and complain by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import Field, ValidationError, field_validator

from bellboard import BotSettings, SettingsError


class Settings(BotSettings):
    """A bot's own."""

    api_key: str = Field(default="", max_length=10)
    colour: str = "blue"
    rooms: tuple[str, ...] = ()

    @field_validator("colour")
    @classmethod
    def _known(cls, colour: str) -> str:
        if colour == "hunter2":
            raise ValueError(f"{colour} is not a colour")
        return colour


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BELLBOARD_")]:
        monkeypatch.delenv(name)
    for name in ("NKEY_FILE", "TRUST_FILE", "BOX_KEY_FILE"):
        monkeypatch.setenv(f"BELLBOARD_{name}", "/keys/a")


def test_they_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the kit's prefix; what is not set has its default."""
    monkeypatch.setenv("BELLBOARD_BUS_URL", "nats://bus:4222")
    monkeypatch.setenv("BELLBOARD_API_KEY", "k")

    settings = Settings.load("memes")

    assert (settings.bus_url, settings.api_key, settings.nkey_file) == ("nats://bus:4222", "k", Path("/keys/a"))
    assert settings.replica == f"memes-{os.getpid()}"


def test_a_replica_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a pod is."""
    monkeypatch.setenv("BELLBOARD_REPLICA", "memes-7f9c")

    assert Settings.load("memes").replica == "memes-7f9c"


def test_they_are_frozen() -> None:
    """Nobody changes them while the service runs."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings.load("memes").team = "other"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once, as they are set."""
    monkeypatch.delenv("BELLBOARD_NKEY_FILE")
    monkeypatch.delenv("BELLBOARD_TRUST_FILE")

    with pytest.raises(SettingsError, match="BELLBOARD_NKEY_FILE is missing; BELLBOARD_TRUST_FILE is missing"):
        Settings.load("memes")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", "hunter2hunter2"),
        ("COLOUR", "hunter2"),
        ("HEALTH_PORT", "hunter2"),
        ("ROOMS", "hunter2"),
        ("ROOMS", '["hunter2'),
    ],
)
def test_a_wrong_one_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """It may be a secret."""
    monkeypatch.setenv(f"BELLBOARD_{name}", value)

    with pytest.raises(SettingsError) as refused:
        Settings.load("memes")

    assert f"BELLBOARD_{name}" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
