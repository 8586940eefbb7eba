"""The ledger: what is open, who judges it, and whether its writes go through."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from .parts import ENDS, TEAM, ended, lines, new, number, quantile, rate, row, seen

PLAIN = f"{TEAM}, {ENDS}"
LEDGER = f'{TEAM}, stream="LED"'
GARBAGE = f'{TEAM}, event=~"ledger.garbage|command.refused|marks.garbage|board.unreadable"'

ABOUT = "Queue, audit and truth in one: what is open in it, who judges what stands still, and whether writes go through."


def build() -> Dashboard:
    made = (
        new("ledger", "Ledger", ABOUT)
        .with_row(row("Now"))
        .with_panel(
            number(
                "Reapers that see everything",
                "Without one nobody finds commands whose workers were lost.",
                f"sum(bellboard_reaper_current{{{TEAM}}})",
                bad=1,
                low=True,
            )
        )
        .with_panel(
            number("Open", "Commands that are not out of the way.", f"sum({seen('bellboard_open_commands', 'bot', 'stage')})")
        )
        .with_panel(number("Records", "In all ledgers.", f"sum({seen('bellboard_stream_messages', 'stream', where=LEDGER)})"))
        .with_panel(
            number(
                "Size",
                "Of all ledgers, each counted once.",
                f"sum({seen('bellboard_stream_bytes', 'stream', where=LEDGER)})",
                unit="bytes",
            )
        )
        .with_panel(number("Timers", "That wait for their moment.", f"max(bellboard_timers{{{TEAM}}})"))
        .with_panel(number("Browsers", "That look on.", f"sum(bellboard_web_browsers{{{TEAM}}})"))
    )
    return _writes(_life(made))


def _life(made: Dashboard) -> Dashboard:
    """What goes in, comes out, and stands still."""
    return (
        made.with_row(row("Commands"))
        .with_panel(
            lines(
                "In and out",
                "A second. Where what comes in stays above what ends, something piles up.",
                {
                    "came in": f"sum(max by (namespace, bot) (rate(bellboard_ledger_begun_total{{{TEAM}}}[$__rate_interval])))",
                    "ended": ended(where=PLAIN),
                },
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Open",
                "By where they stand.",
                {"{{namespace}} {{stage}}": f"sum by (namespace, stage) ({seen('bellboard_open_commands', 'bot', 'stage')})"},
            )
        )
        .with_panel(
            lines(
                "Moved by the reaper",
                "A second: offered again, expired, or called UNKNOWN, because whoever had them was lost.",
                {
                    "{{bot}} {{state}}": rate("bellboard_reaper_verdicts_total", "bot", "state"),
                },
                unit="cps",
            )
        )
    )


def _writes(made: Dashboard) -> Dashboard:
    """Whether what is written goes through."""
    return (
        made.with_row(row("Writes"))
        .with_panel(
            lines(
                "One write",
                "From publishing to knowing that it is on disk; 50, 95 and 99 of 100 are faster.",
                {f"{share:.0%}": quantile(share, "bellboard_bus_store_seconds") for share in (0.5, 0.95, 0.99)},
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Conflicts",
                "A second: another record came first. A few are the protocol at work.",
                {"{{role}}": rate("bellboard_ledger_conflicts_total", "role")},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Unconfirmed",
                "Requests a second that the bus did not answer in time.",
                {"{{namespace}}": rate("bellboard_bus_unconfirmed_total", "namespace")},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Handed out again",
                "Messages a second: their worker was lost, or gave them back.",
                {"{{consumer}}": rate("bellboard_bus_redeliveries_total", "consumer")},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Handed back",
                "Commands a second that a worker left for later, by why.",
                {"{{bot}} {{reason}}": rate("bellboard_handed_back_total", "bot", "reason")},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "What can't be read",
                "Messages a second that are no records or no commands. Only a fault or an attack writes such.",
                {"{{event}}": rate("bellboard_events_total", "event", where=GARBAGE)},
                unit="cps",
            )
        )
    )
