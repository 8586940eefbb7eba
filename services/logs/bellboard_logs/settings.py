"""The settings of the logs bot."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from bellboard import BotSettings


class Settings(BotSettings):
    """What the logs bot can be told.

    Attributes:
        data_dir: where the embedded store stands; without one it is in a folder that goes away with the process.
        sandbox_dir: the sandbox's folder; its ``logs/*.jsonl`` are followed as the environment "sandbox".
        logs_file: which environment's and app's lines come from where, as YAML; without one, all from the embedded store.
        follow: more files to follow, as glob patterns.
        ingest_host: the address of the two doors below.
        loki_port: where Loki's push API is answered; 0: nowhere.
        syslog_port: where syslog is taken, over UDP and TCP; 0: nowhere.
        max_bytes: the size of the store above which the oldest lines are dropped.
        max_age_hours: the age from which lines are dropped.
    """

    data_dir: Path | None = None
    sandbox_dir: Path | None = None
    logs_file: Path | None = None
    follow: tuple[str, ...] = ()
    ingest_host: str = "127.0.0.1"
    loki_port: int = Field(default=0, ge=0, le=65535)
    syslog_port: int = Field(default=0, ge=0, le=65535)
    max_bytes: int = Field(default=2 * 2**30, ge=2**20)
    max_age_hours: float = Field(default=14 * 24, gt=0)
