"""NATS, as the teams' accounts have it: room, copies, speed, and what was refused."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from .parts import TEAM, lines, new, number, quantile, rate, row, seen, words

DENIED = f'{TEAM}, event=~"bus.denied|bus.slow|bus.ack_lost|bus.pull_stalled|bus.lost"'

ABOUT = "The message bus, seen from inside the teams' accounts: how much they hold, on how many servers, and how fast it is."
SERVERS = (
    "What is shown here the house asks NATS itself, as each team's account has it; no exporter is needed. "
    "Of the servers, such as their CPU and connections, the NATS exporter of the chart tells, with a dashboard of its own: "
    "see docs/operate/telemetry.md."
)


def build() -> Dashboard:
    copies, wanted = seen("bellboard_stream_copies", "stream"), seen("bellboard_stream_copies_wanted", "stream")
    made = (
        new("bus", "NATS", ABOUT)
        .with_row(row("Now"))
        .with_panel(
            number(
                "Processes with the bus",
                "Of those that are scraped.",
                f"avg(bellboard_bus_connected{{{TEAM}}})",
                unit="percentunit",
                bad=1,
                low=True,
            )
        )
        .with_panel(number("Streams", "Of all teams.", f"count({copies})"))
        .with_panel(
            number("Too few copies", "Streams that fewer servers hold than should.", f"sum({copies} < bool {wanted})", bad=1)
        )
        .with_panel(number("Without a leader", "Streams that take nothing now.", f"sum({copies} == bool 0)", bad=1))
        .with_panel(number("On disk", "All copies.", f"sum({seen('bellboard_store_bytes')})", unit="bytes"))
        .with_panel(
            number(
                "Fullest team",
                "Of what its account may take; 0 where accounts have no limit.",
                f"max({_share()})",
                unit="percentunit",
                bad=0.8,
            )
        )
    )
    return _speed(_room(made)).with_panel(words(SERVERS))


def _share() -> str:
    """How much of its limit each team has used; 0 where there is none."""
    used, limit = seen("bellboard_store_bytes"), seen("bellboard_store_limit_bytes")
    return f"{used} / ({limit} > 0) or 0 * {used}"


def _room(made: Dashboard) -> Dashboard:
    """How much there is."""
    streams = seen("bellboard_stream_bytes", "stream")
    return (
        made.with_row(row("Room"))
        .with_panel(lines("On disk", "All copies, by team.", {"{{namespace}}": seen("bellboard_store_bytes")}, unit="bytes"))
        .with_panel(
            lines(
                "Streams",
                "Bytes, each counted once; the ten largest.",
                {"{{namespace}} {{stream}}": f"topk(10, {streams})"},
                unit="bytes",
            )
        )
        .with_panel(
            lines(
                "Copies",
                "The fewest servers that hold all of a stream, by team, and how many should.",
                {
                    "{{namespace}} there": f"min by (namespace) ({seen('bellboard_stream_copies', 'stream')})",
                    "{{namespace}} wanted": f"max by (namespace) ({seen('bellboard_stream_copies_wanted', 'stream')})",
                },
            )
        )
    )


def _speed(made: Dashboard) -> Dashboard:
    """How it goes."""
    store = "bellboard_bus_store_seconds"
    return (
        made.with_row(row("Speed and trouble"))
        .with_panel(
            lines(
                "Stored",
                "Messages a second, by team.",
                {"{{namespace}}": rate(f"{store}_count", "namespace")},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "One write",
                "From publishing to knowing that it is on disk; 99 of 100 are faster.",
                {"{{namespace}}": quantile(0.99, store, "namespace")},
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Reconnects",
                "A second: a server went away, or a network.",
                {"{{namespace}}": rate("bellboard_bus_reconnects_total", "namespace")},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Refused, slow, lost",
                "Log events a second. bus.denied means that an account's permissions are wrong, or that somebody tries doors.",
                {"{{event}}": rate("bellboard_events_total", "event", where=DENIED)},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Dropped",
                "Messages a second that nobody took in time.",
                {"{{namespace}}": rate("bellboard_bus_dropped_total", "namespace")},
                unit="cps",
            )
        )
        .with_panel(
            lines(
                "Asked again",
                "Pulls a second whose heartbeat stayed away.",
                {"{{namespace}}": rate("bellboard_bus_pulls_asked_again_total", "namespace")},
                unit="cps",
            )
        )
    )
