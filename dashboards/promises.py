"""What is promised (service level objectives), and the rules that say how fast the budget for breaking it is used up.

A budget is the share that may go wrong over thirty days. Its burn rate is how many times faster than that it goes; an alert
needs a long window, so that it means something, and a short one, so that it ends when the trouble does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import indent

ALWAYS = 'state!~"RESOLVED_.*"'


@dataclass(frozen=True, slots=True)
class Promise:
    """One objective.

    Attributes:
        title: what goes wrong.
        about: the promise.
        budget: the share of all that may go wrong.
        bad, all: PromQL for how many a second went wrong, and how many there were, by team; ``{window}`` stands for the time.
        alert: the name of its alert.
    """

    name: str
    title: str
    about: str
    budget: float
    bad: str
    all: str
    alert: str

    def ratio(self, window: str) -> str:
        """The name of the recorded share of those that went wrong."""
        return f"bellboard:slo_{self.name}:bad_ratio_{window}"


def _ended(where: str) -> str:
    """Every replica of the reaper counts all commands, so they are not added up."""
    every = f"max by (namespace, bot, effect, state, fault) (rate(bellboard_ledger_ended_total{{{where}}}[WINDOW]))"
    return f"sum by (namespace) ({every})".replace("WINDOW", "{window}")


def _cards(part: str, where: str) -> str:
    return f"sum by (namespace) (rate(bellboard_line_to_card_seconds_{part}{{{where}}}[WINDOW]))".replace("WINDOW", "{window}")


_READS = _cards("count", 'effect="READ"')
_IN_TIME = _cards("bucket", 'effect="READ", le="2.5"')

PROMISES = (
    Promise(
        "cards",
        "READs whose card was late",
        "99 of 100 READs have their final card within 2.5 s.",
        0.01,
        f"({_READS} - {_IN_TIME})",
        _READS,
        "BellboardCardsLate",
    ),
    Promise(
        "faults",
        "Commands that let people down",
        "995 of 1,000 commands do not break, expire or become UNKNOWN.",
        0.005,
        _ended('fault="yes"'),
        _ended(ALWAYS),
        "BellboardCommandsFail",
    ),
    Promise(
        "unknown",
        "Effects that are UNKNOWN",
        "Of 999 of 1,000 commands that change something it is known whether they did.",
        0.001,
        _ended('effect!="READ", state="UNKNOWN"'),
        _ended(f'effect!="READ", {ALWAYS}'),
        "BellboardEffectsUnknown",
    ),
)

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d")
SECONDS = {"1h": 3600, "6h": 6 * 3600, "1d": 24 * 3600}
BURNS = (("1h", "5m", 14.4, "critical"), ("6h", "30m", 6, "critical"), ("1d", "2h", 3, "warning"))
"""A long and a short window, the burn rate that both must show, and how bad that is: the whole budget in 2, 5 or 10 days."""

FEW = 2
"""So many in the long window are no trend, however few commands there were."""

HEAD = """\
# Made by `make dashboards` from dashboards/promises.py.
groups:
  - name: bellboard-promises
    rules:
"""


def rules() -> str:
    """The file of rules."""
    return HEAD + "".join([*(_recorded(one) for one in PROMISES), *(text for one in PROMISES for text in _alerts(one))])


def _recorded(promise: Promise) -> str:
    share = f"{promise.bad}\n/ {promise.all}"
    return "".join(f"      - record: {promise.ratio(window)}\n        expr: |\n{_block(share, window)}\n" for window in WINDOWS)


def _alerts(promise: Promise) -> Iterator[str]:
    for long, short, burn, severity in BURNS:
        above = f"> {burn} * {promise.budget}"
        many = f"{promise.bad} * {SECONDS[long]} > {FEW}"
        expr = f"{promise.ratio(long)} {above}\nand {promise.ratio(short)} {above}\nand {many}"
        yield (
            f"      - alert: {promise.alert}\n"
            f"        expr: |\n{_block(expr, long)}\n"
            f'        labels: {{severity: {severity}, window: "{long}"}}\n'
            f"        annotations:\n"
            f'          summary: "{promise.title} in {{{{ $labels.namespace }}}}: {{{{ $value | humanizePercentage }}}}"\n'
            f"          description: >-\n"
            f"            Promised: {promise.about}\n"
            f"            Over {long} it was broken {burn:g} times as often as thirty days allow.\n"
            f"          runbook: docs/runbooks/{promise.alert}.md\n"
        )


def _block(expr: str, window: str) -> str:
    """A query over a window, as a block of YAML."""
    return indent(expr.replace("{window}", window), " " * 10)
