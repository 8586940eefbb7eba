"""``python -m dashboards`` writes every dashboard, as JSON, and the rules of what is promised."""

from __future__ import annotations

from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from . import bot, bus, commands, ledger, promises, team

FOLDER = Path(__file__).parents[1] / "helm" / "bellboard" / "files"
ALL = {"team": team.build, "commands": commands.build, "ledger": ledger.build, "bus": bus.build, "bot": bot.build}
"""Every dashboard, by the name of its file."""


def render() -> dict[str, str]:
    """The text of each file, by its path below the chart's files."""
    made = {f"dashboards/{name}.json": _json(build()) for name, build in ALL.items()}
    return {**made, "rules/promises.yaml": promises.rules()}


def _json(dashboard: Dashboard) -> str:
    made = dashboard.build()
    for number, panel in enumerate(made.panels or [], 1):
        panel.id_val = number
    return JSONEncoder(sort_keys=True, indent=2).encode(made) + "\n"


def main() -> None:
    for path, text in render().items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text)


if __name__ == "__main__":
    main()
