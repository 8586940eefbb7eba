"""What the gateway needs to know."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from bellboard.settings import BotSettings

from . import traces

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class GatewaySettings(BotSettings):
    """The gateway's settings. It runs the house bot itself, so it has a bot's settings too.

    Attributes:
        web_host, web_port: where browsers find it; port 0 takes any.
        public_url: what browsers call it where that is something else, such as "https://bell.example.com".
        grpc_host, grpc_port: where programs find it; port 0 takes any.
        people_file: people, groups and rooms, in YAML.
        policy_dir: the folder with rules, in `.cedar` files.
        enrolled_file: the enrolled bots, in YAML.
        trackers_file: the trackers whose tickets are linked, in YAML; without one there are none.
        hooks_file: the webhooks, in YAML; without one there are none.
        sign_key_file: the Ed25519 key that this replica signs commands with, in base64.
        key_id: the key's name in the trust file; also the name of this replica's bus user.
        session_key_file: the key that sign-in codes and cookies are made with.
        trace_url: where people look at traces, with ``{trace_id}`` in it; cards link there. Empty for nowhere.
    """

    web_host: str = "127.0.0.1"
    web_port: int = Field(default=0, ge=0, le=65535)
    public_url: str = Field(default="", pattern=r"^(https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?)?/?$")
    grpc_host: str = "127.0.0.1"
    grpc_port: int = Field(default=0, ge=0, le=65535)
    people_file: Path
    policy_dir: Path
    enrolled_file: Path
    trackers_file: Path | None = None
    hooks_file: Path | None = None
    sign_key_file: Path
    key_id: str
    session_key_file: Path
    trace_url: Annotated[str, AfterValidator(traces.check)] = ""

    @property
    def alone(self) -> bool:
        """Whether only programs on this machine can come in: one that stands before it might else pass others off as them."""
        return self.grpc_host in LOOPBACK
