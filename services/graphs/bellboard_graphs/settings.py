"""The settings of the graphs bot."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from bellboard import BotSettings


class Settings(BotSettings):
    """What the graphs bot can be told.

    Attributes:
        metrics: who is asked for what has a short name: "embedded", "prometheus" or "graphite".
        prometheus_url, graphite_url: where they are, without /api or /render; empty if there is none.
        metrics_token_file: a file with the bearer token that both are shown.
        catalogue_file: short names of the team's own.
        data_dir: where the embedded store keeps its samples; in memory alone without one.
        sandbox_dir: where the sandbox's sockets are; it is not asked without one.
        run_file: where `bell up` notes the ports of Bellboard's processes; run.json of the house by itself.
        scrape_seconds, scrape_mesh_seconds: how often the sandbox and Bellboard itself are asked.
        keep_days, keep_mib: how long samples are kept, and how much of them at most.
        draw_seconds: the longest that drawing one picture may take.
    """

    metrics: Literal["embedded", "prometheus", "graphite"] = "embedded"
    prometheus_url: str = Field(default="", pattern=r"^(https?://[^\s?#]+)?$")
    graphite_url: str = Field(default="", pattern=r"^(https?://[^\s?#]+)?$")
    metrics_token_file: Path | None = None
    catalogue_file: Path | None = None
    data_dir: Path | None = None
    sandbox_dir: Path | None = None
    run_file: Path | None = None
    scrape_seconds: float = Field(default=2.0, ge=0.05, le=300)
    scrape_mesh_seconds: float = Field(default=15.0, ge=0.05, le=300)
    keep_days: float = Field(default=7.0, gt=0)
    keep_mib: int = Field(default=256, ge=1)
    draw_seconds: float = Field(default=10.0, gt=0)
