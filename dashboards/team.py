"""Bot health per team: is everything there, does anything wait, what breaks."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from .parts import ENDS, FAULTS, TEAM, bars, ended, lines, new, number, of_component, quantile, rate, row, seen

WAITING = f'{TEAM}, stage="waiting"'
RUNNING = f'{TEAM}, stage="running"'
UNKNOWN = f'{TEAM}, stage="unknown"'

ABOUT = "What an operator looks at first: which bots are there, what waits for them, and what breaks."


def build() -> Dashboard:
    there = (
        new("team", "Team", ABOUT)
        .with_row(row("Now"))
        .with_panel(
            number(
                "Bots that are away",
                "Enrolled bots of which no replica takes work.",
                f"sum({seen('bellboard_bot_replicas', 'bot')} == bool 0)",
                bad=1,
            )
        )
        .with_panel(
            number(
                "Waiting",
                "Commands that no worker has taken yet.",
                f"sum({seen('bellboard_open_commands', 'bot', 'stage', where=WAITING)})",
                bad=20,
            )
        )
        .with_panel(
            number(
                "Oldest that waits",
                "After a minute it expires.",
                f"max({seen('bellboard_oldest_waiting_seconds', 'bot')})",
                unit="s",
                bad=20,
            )
        )
        .with_panel(
            number(
                "UNKNOWN",
                "Commands of which nobody knows whether they happened: somebody has to look, and to say `resolve`.",
                f"sum({seen('bellboard_open_commands', 'bot', 'stage', where=UNKNOWN)})",
                bad=1,
            )
        )
        .with_panel(
            number(
                "Processes without the bus",
                "They come back by themselves once it does.",
                f"sum(bellboard_bus_connected{{{TEAM}}} == bool 0)",
                bad=1,
            )
        )
        .with_panel(
            number(
                "In safe mode",
                "Processes that run nothing but READs, because the bus has lost history.",
                f"sum(bellboard_safe_mode{{{TEAM}}})",
                bad=1,
            )
        )
    )
    return _processes(_work(there))


def _work(made: Dashboard) -> Dashboard:
    """What the bots do."""
    return (
        made.with_row(row("Bots"))
        .with_panel(
            lines(
                "Replicas",
                "Those that are heard and take work.",
                {"{{namespace}} {{bot}}": seen("bellboard_bot_replicas", "bot")},
            )
        )
        .with_panel(
            lines(
                "Waiting for a worker",
                "An autoscaler goes by this, and by what runs.",
                {"{{namespace}} {{bot}}": seen("bellboard_open_commands", "bot", where=WAITING)},
            )
        )
        .with_panel(
            lines(
                "Running",
                "What workers are at.",
                {"{{namespace}} {{bot}}": seen("bellboard_open_commands", "bot", where=RUNNING)},
            ),
        )
        .with_panel(
            lines(
                "Ended",
                "Commands a second, however they ended.",
                {"{{namespace}} {{bot}}": ended("namespace", "bot", where=f"{TEAM}, {ENDS}")},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Let down",
                "Commands a second that broke, expired or are UNKNOWN. What was refused or undone is not among them.",
                {"{{namespace}} {{bot}}": ended("namespace", "bot", where=f"{TEAM}, {FAULTS}")},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Run time, 95 of 100 are faster",
                "Of the bots' own code, without waiting.",
                {"{{namespace}} {{bot}}": quantile(0.95, "bellboard_run_seconds", "namespace", "bot")},
                unit="s",
            )
        )
    )


def _processes(made: Dashboard) -> Dashboard:
    """What the processes take, and what they warn of."""
    return (
        made.with_row(row("Processes"))
        .with_panel(
            lines(
                "Memory",
                "Resident, of each process.",
                {"{{component}} {{pod}}": of_component(f"process_resident_memory_bytes{{{TEAM}}}")},
                unit="bytes",
            )
        )
        .with_panel(
            lines(
                "CPU",
                "Cores, of each process.",
                {"{{component}} {{pod}}": of_component(f"rate(process_cpu_seconds_total{{{TEAM}}}[$__rate_interval])")},
            )
        )
        .with_panel(
            lines(
                "Warnings and errors",
                "Log events a second; docs/signals.md says what each means.",
                {"{{event}}": rate("bellboard_events_total", "event")},
                unit="cps",
            )
        )
        .with_panel(
            bars(
                "What runs",
                "Processes, by component and version: during a roll-out there are two versions.",
                {"{{component}} {{version}}": f"count by (component, version) (bellboard_build_info{{{TEAM}}})"},
            )
        )
        .with_panel(
            bars(
                "Up since",
                "A bar that stays short is a process that restarts.",
                {"{{component}} {{pod}}": f"time() - ({of_component(f'process_start_time_seconds{{{TEAM}}}')})"},
                unit="s",
            )
        )
    )
