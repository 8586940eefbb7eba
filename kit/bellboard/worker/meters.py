"""A bot's metrics with their labels bound: to look the labels up takes longer than to count."""

from __future__ import annotations

from functools import cache, partial

from bellboard.telemetry import names

RETURNS = ("digest", "history", "later", "stopped", "unexpected")
"""Why commands are handed back; each is there at 0, or the first would not be seen as a rise."""


class Meters:
    """What the worker of one bot counts for every command.

    Attributes:
        in_flight, queue_wait: of the bot.
        run_time: of a verb.
        commands: of a verb and a state.
    """

    def __init__(self, bot: str) -> None:
        self.in_flight = names.IN_FLIGHT.labels(bot)
        self.queue_wait = names.QUEUE_WAIT.labels(bot)
        # As many as the contract has verbs, times the final states; prometheus_client keeps them for ever, too.
        self.run_time = cache(partial(names.RUN_TIME.labels, bot))
        self.commands = cache(partial(names.COMMANDS.labels, bot))
        for reason in RETURNS:
            names.HANDED_BACK.labels(bot, reason)
