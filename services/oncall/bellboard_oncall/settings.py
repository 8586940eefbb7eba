"""The settings of the on-call bot."""

from __future__ import annotations

from pathlib import Path

from bellboard import BotSettings


class Settings(BotSettings):
    """What the on-call bot can be told.

    Attributes:
        oncall_file: rotas, policies and contacts, as YAML; without one, the group "owners" takes turns.
        people_file: the people there are, as the gateway knows them.
        alerts_file: which alerts go to which room and team, as YAML; without one, all to the room "ops".
        web_url: where people find the web room, for links; empty where there is none.
    """

    oncall_file: Path | None = None
    people_file: Path | None = None
    alerts_file: Path | None = None
    web_url: str = ""
