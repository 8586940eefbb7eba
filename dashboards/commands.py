"""The way of commands, from line to card: what comes in, where it ends, how long it takes; and what is promised of it."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from .parts import ENDS, TEAM, bars, ended, lines, new, number, quantile, rate, row, seen
from .promises import PROMISES

PLAIN = f"{TEAM}, {ENDS}"
LET_THROUGH = f'{TEAM}, state!~"RESOLVED_.*|DENIED|TOMBSTONE"'
SUCCEEDED = f'{TEAM}, state="SUCCEEDED"'

ABOUT = "From a line to its card: how many get how far, how long it takes, and what is left of the error budgets."


def build() -> Dashboard:
    made = (
        new("commands", "Line to card", ABOUT)
        .with_row(row("The funnel"))
        .with_panel(
            bars(
                "How far commands came",
                "Over the time that is shown. What did not come from a line came from a bot, a timer or a webhook.",
                {
                    "Lines that are commands": _lines("command"),
                    "Came into the ledger": f"sum({_risen('bellboard_ledger_begun_total', 'bot')})",
                    "Were let through": _over(LET_THROUGH),
                    "Were run": f"sum(increase(bellboard_queue_wait_seconds_count{{{TEAM}}}[$__range]))",
                    "Ended": _over(PLAIN),
                    "Succeeded": _over(SUCCEEDED),
                },
            )
        )
        .with_panel(
            bars(
                "How they ended",
                "Over the time that is shown.",
                {"{{state}}": f"sum by (state) ({_risen_by_state()}) > 0"},
            )
        )
        .with_panel(
            lines(
                "Lines",
                "A second, by what became of them. Talk is for people.",
                {"{{outcome}}": rate("bellboard_lines_total", "outcome")},
                unit="cps",
            )
        )
        .with_panel(
            lines("Ended", "A second, by state.", {"{{state}}": ended("state", where=PLAIN)}, unit="cps"),
        )
        .with_panel(
            lines(
                "Open",
                "By where they stand.",
                {"{{stage}}": f"sum by (stage) ({seen('bellboard_open_commands', 'bot', 'stage')})"},
            )
        )
    )
    return _promises(_times(made))


def _times(made: Dashboard) -> Dashboard:
    """How long it takes, and where the time goes."""
    card = "bellboard_line_to_card_seconds"
    reads = f'{TEAM}, effect="READ"'
    return (
        made.with_row(row("Time"))
        .with_panel(
            lines(
                "Line to card, READs",
                "Half, 95 and 99 of 100 are faster.",
                {f"{share:.0%}": quantile(share, card, where=reads) for share in (0.5, 0.95, 0.99)},
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Line to card, by effect",
                "95 of 100 are faster. What waits for approval waits here too.",
                {"{{effect}}": quantile(0.95, card, "effect")},
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Where the time goes",
                "95 of 100 are faster: until a worker begins, in the bot's own code, and in one synced write.",
                {
                    "until it runs": quantile(0.95, "bellboard_queue_wait_seconds"),
                    "in the bot": quantile(0.95, "bellboard_run_seconds"),
                    "one write": quantile(0.95, "bellboard_bus_store_seconds"),
                },
                unit="s",
            )
        )
    )


def _promises(made: Dashboard) -> Dashboard:
    """The objectives, and how fast their budgets burn. The series are recorded by files/rules/promises.yaml."""
    made = made.with_row(row("What is promised"))
    for one in PROMISES:
        worst = f"max({one.ratio('1d')}{{{TEAM}}})"
        made = made.with_panel(number(f"{one.title}, 1 day", one.about, worst, unit="percentunit", width=8, bad=one.budget))
    for one in PROMISES:
        burns = {
            f"{{{{namespace}}}} {window}": f"{one.ratio(window)}{{{TEAM}}} / {one.budget}" for window in ("5m", "1h", "6h")
        }
        made = made.with_panel(lines(f"{one.title}: burn rate", f"{one.about} At 1 the budget lasts exactly.", burns))
    return made


def _lines(outcome: str) -> str:
    return f'sum(increase(bellboard_lines_total{{{TEAM}, outcome="{outcome}"}}[$__range]))'


def _risen(metric: str, *by: str) -> str:
    """By how much a counter rose that every replica of the reaper counts whole."""
    return f"max by ({', '.join(('namespace', *by))}) (increase({metric}{{{TEAM}}}[$__range]))"


def _risen_by_state() -> str:
    return _risen("bellboard_ledger_ended_total", "bot", "effect", "state", "fault")


def _over(where: str) -> str:
    return f"sum(max by (namespace, bot, effect, state, fault) (increase(bellboard_ledger_ended_total{{{where}}}[$__range])))"
