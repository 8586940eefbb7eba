"""One bot, for the person who looks after it."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from .parts import BOT, ENDS, FAULTS, TEAM, bars, ended, lines, new, number, quantile, rate, row, seen, words

PLAIN, FAULT = f"{BOT}, {ENDS}", f"{BOT}, {FAULTS}"
COMPONENT = f'{TEAM}, component="$bot"'

ABOUT = "One bot: is it there, what does it do, how long does it take, how often does it let people down."
READ_ME = (
    "**Let down** are commands that broke, expired or are UNKNOWN; a person's slip, a refusal and a rollback are answers. "
    "**UNKNOWN** stays until the bot's probe or a person finds out: `why ID`, then `resolve ID succeeded` or `failed`. "
    "The house's own commands are the bot `house`, which runs in the gateways."
)


def build() -> Dashboard:
    made = (
        new("bot", "One bot", ABOUT, bot=True)
        .with_panel(words(READ_ME, height=3))
        .with_row(row("Now"))
        .with_panel(
            number("Replicas", "That take work.", f"max({seen('bellboard_bot_replicas', 'bot', where=BOT)})", bad=1, low=True)
        )
        .with_panel(number("Waiting", "For a worker.", _open("waiting"), bad=20))
        .with_panel(number("Running", "What workers are at.", _open("running")))
        .with_panel(number("UNKNOWN", "Somebody has to look.", _open("unknown"), bad=1))
        .with_panel(number("Ask for approval", "Somebody may say `approve` or `reject`.", _open("approval")))
        .with_panel(
            number(
                "Let down",
                "Of all that ended in the time that is shown.",
                f"{ended(where=FAULT, window='$__range')} / {ended(where=PLAIN, window='$__range')}",
                unit="percentunit",
                bad=0.01,
            )
        )
    )
    return _trouble(_commands(made))


def _open(stage: str) -> str:
    where = f'{BOT}, stage="{stage}"'
    return f"max({seen('bellboard_open_commands', 'bot', where=where)})"


def _commands(made: Dashboard) -> Dashboard:
    """What it does."""
    return (
        made.with_row(row("Commands"))
        .with_panel(
            bars(
                "What was asked for",
                "Commands that a worker ended in the time that is shown, by verb.",
                {"{{verb}}": f"sum by (verb) (increase(bellboard_commands_total{{{BOT}}}[$__range]))"},
            )
        )
        .with_panel(
            bars(
                "How it ended",
                "In the time that is shown, by verb and state.",
                {"{{verb}} {{state}}": f"sum by (verb, state) (increase(bellboard_commands_total{{{BOT}}}[$__range]))"},
            )
        )
        .with_panel(
            lines(
                "Run time",
                "Of its own code, by verb; 95 of 100 are faster.",
                {"{{verb}}": quantile(0.95, "bellboard_run_seconds", "verb", where=BOT)},
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Until it runs",
                "From a line's arrival to its first run; half and 95 of 100 are faster.",
                {f"{share:.0%}": quantile(share, "bellboard_queue_wait_seconds", where=BOT) for share in (0.5, 0.95)},
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Line to card",
                "By effect; 95 of 100 are faster.",
                {"{{effect}}": quantile(0.95, "bellboard_line_to_card_seconds", "effect", where=BOT)},
                unit="s",
            )
        )
    )


def _trouble(made: Dashboard) -> Dashboard:
    """What goes wrong, and what its processes take. The house has no process of its own: its are the gateways'."""
    process = f"on (namespace, pod) group_left () max by (namespace, pod) (bellboard_build_info{{{COMPONENT}}})"
    return (
        made.with_row(row("Trouble"))
        .with_panel(lines("Ended", "A second, by state.", {"{{state}}": ended("state", where=PLAIN)}, unit="cps"))
        .with_panel(
            lines(
                "Moved by the reaper",
                "A second: a worker was lost.",
                {"{{state}}": rate("bellboard_reaper_verdicts_total", "state", where=BOT)},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Handed back",
                "A second. `digest`: a replica that does not know the contract yet; `later`: somebody else has it.",
                {"{{reason}}": rate("bellboard_handed_back_total", "reason", where=BOT)},
                unit="cps",
            )
        )
        .with_panel(
            lines("In flight", "What each process works on.", {"{{pod}}": f"bellboard_commands_in_flight{{{BOT}}}"}),
        )
        .with_panel(
            lines(
                "Memory",
                "Resident, of each of its processes.",
                {"{{pod}}": f"process_resident_memory_bytes{{{TEAM}}} * {process}"},
                unit="bytes",
            ),
        )
        .with_panel(
            lines("CPU", "Cores.", {"{{pod}}": f"rate(process_cpu_seconds_total{{{TEAM}}}[$__rate_interval]) * {process}"}),
        )
    )
