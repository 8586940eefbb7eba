"""What the gateway needs to know."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from bellboard.settings import BotSettings


class GatewaySettings(BotSettings):
    """The gateway's settings. It runs the house bot itself, so it has a bot's settings too.

    Attributes:
        web_host, web_port: where browsers find it; port 0 takes any.
        grpc_port: where programs find it, on the loopback interface; 0 takes any.
        people_file: people, groups and rooms, in YAML.
        policy_dir: the folder with rules, in `.cedar` files.
        enrolled_file: the enrolled bots, in YAML.
        trackers_file: the trackers whose tickets are linked, in YAML; without one there are none.
        hooks_file: the webhooks, in YAML; without one there are none.
        sign_key_file: the Ed25519 key that this replica signs commands with, in base64.
        key_id: the key's name in the trust file; also the name of this replica's bus user.
        session_key_file: the key that sign-in codes and cookies are made with.
    """

    web_host: str = "127.0.0.1"
    web_port: int = Field(default=0, ge=0, le=65535)
    grpc_port: int = Field(default=0, ge=0, le=65535)
    people_file: Path
    policy_dir: Path
    enrolled_file: Path
    trackers_file: Path | None = None
    hooks_file: Path | None = None
    sign_key_file: Path
    key_id: str
    session_key_file: Path
