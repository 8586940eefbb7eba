"""What is seen of a rollout while it runs: for its card, and for its gates. It changes nothing."""

from __future__ import annotations

import time

from bellboard import Block, Failed, ProviderError, UserError
from bellboard.errors import BusError
from bellboard.telemetry import logs, names

from . import cards
from .gates import Judgement, read_gates, window
from .place import Place, Places
from .providers import Environment, Measure, Observed, Reading
from .trend import Trend, chart

NOTED = 5.0
"""Seconds between two notes of what was seen."""


class Tripped(Exception):  # it is no error: it is how a rollout turns back
    """The rollout must go back."""


class Watch:
    """Looks at an environment for one rollout.

    Attributes:
        gates: what each gate said when it was last asked, in words.
    """

    def __init__(self, env: Environment, places: Places) -> None:
        self.gates: list[str] = []
        self._env, self._places = env, places
        self._known, self._noted = False, float("-inf")
        self._observed = Observed()
        self._trend = Trend()

    async def judge(self, place: Place, watched: float) -> bool:
        """Look at every gate; whether there is data for all of them.

        It looks back on a window, and where that holds too few requests on all of the ``watched`` seconds of the stage.

        Raises:
            Tripped: one is broken.
        """
        known = True
        self.gates = []
        for gate in read_gates(place.gates or ("none",)) if self._env.gauges else ():
            for seconds in sorted({window(place.soak), max(watched, window(place.soak))}):
                reading, wrong = await self._read(place, gate.measure, seconds)
                if (judgement := gate.judge(reading)) is not Judgement.NO_DATA:
                    break
            self.gates.append(f"{gate.text}: {gate.show(reading.value)}{wrong and f' ({wrong})'}")
            known = known and judgement is not Judgement.NO_DATA
            if judgement is Judgement.BROKEN:
                raise Tripped(f"gate {gate.text}: {gate.show(reading.value)} of {reading.requests} requests. {reading.query}")
        return known

    async def _read(self, place: Place, measure: Measure, seconds: float) -> tuple[Reading, str]:
        """What was measured, and what stood in the way of it."""
        assert self._env.gauges is not None
        try:
            return await self._env.gauges.read(place.app, place.version, measure, seconds), ""
        except ProviderError as error:
            return Reading(None, ""), error.text

    async def look(self, place: Place) -> None:
        """What the environment says of itself, for the card. It may say nothing."""
        await self._recall(place)
        try:
            if self._env.deployer is not None:
                self._observed = await self._env.deployer.observe(place.app)
            for name in filter(None, (place.version, place.previous)):
                self._trend.add(name, time.time(), await self._errors(place, name))
        except (ProviderError, UserError, Failed) as error:  # a refusal, too: some of a cluster's pass by themselves
            logs.emit(names.HANDLER_FAILED, exc=error, command=place.command, bot="deploy")

        if time.monotonic() - self._noted >= NOTED:
            await self.note(place)

    async def _recall(self, place: Place) -> None:
        """Go on with the chart of whoever had the rollout before."""
        if self._known:
            return
        try:
            seen = await self._places.seen(place.command)
        except BusError as error:
            logs.emit(names.HANDLER_FAILED, exc=error, command=place.command, bot="deploy")
            return
        self._known = True
        if seen is not None:
            self._trend = Trend.load(seen)

    async def note(self, place: Place) -> None:
        """Write down what was seen. Without it a rollout goes on as well; only its chart would begin anew."""
        if not self._known:
            return
        self._noted = time.monotonic()
        try:
            await self._places.note_seen(place.command, self._trend.dump())
        except BusError as error:
            logs.emit(names.HANDLER_FAILED, exc=error, command=place.command, bot="deploy")

    async def _errors(self, place: Place, version: str) -> float:
        gauges = self._env.gauges
        reading = await gauges.read(place.app, version, "errors", window(place.soak)) if gauges else None
        return float("nan") if reading is None or reading.value is None else reading.value

    async def lost(self, place: Place) -> int:
        """How many requests the new version failed, as far as it is known: ask before its counters are gone."""
        if self._env.gauges is None:
            return place.lost
        try:
            counted = await self._env.gauges.count(place.app, place.version, time.time() - place.began)
        except ProviderError as error:
            logs.emit(names.HANDLER_FAILED, exc=error, command=place.command, bot="deploy")
            return place.lost
        return max(place.lost, counted.failed)

    def card(self, place: Place, doing: str) -> list[Block]:
        """What people see now."""
        return cards.live(place, self._observed, self.gates, self._trend, doing)

    def chart(self, place: Place) -> list[Block]:
        """The errors over the whole rollout; nothing where none were seen."""
        return chart(place, self._trend)
