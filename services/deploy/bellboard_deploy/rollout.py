"""Carries out a rollout: each action is written down before it is done, and all of them may be done again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from bellboard import Block, Call, Failed, ProviderError, UserError
from bellboard.errors import BusError
from bellboard.keep import KeepConflict
from bellboard.telemetry import logs, names

from . import cards, history
from .desk import Desk
from .holding import hold
from .place import Place
from .providers import Deployer, Environment, Order, Pausable, Taken, Version
from .watch import Tripped, Watch

T = TypeVar("T")

TICK = 0.5
"""Seconds between two looks at gates and wishes."""

GRACE = 30.0
"""Seconds after the soak that gates may go without data; then the rollout pauses."""

LONGEST_PAUSE = 4 * 3600.0
"""Seconds after which a rollout that nobody sends on goes back."""

RETRIES = (0.5, 1.0, 2.0)
"""Seconds to wait before each further try of what an environment did not do."""


class Rollout:
    """One attempt at a rollout whose place is known.

    It stops with KeepConflict as soon as another attempt has written: only one may act.
    """

    def __init__(self, call: Call, env: Environment, desk: Desk, place: Place, revision: int) -> None:
        self.place, self.env = place, env
        self._call, self._desk, self._revision = call, desk, revision
        self._watch = Watch(env, desk.places())
        self._hold = hold(call, env, place.app, f"the deploy of {place.version}")
        self._doing = ""

    async def save(self, place: Place) -> None:
        """Write down where it stands."""
        self._revision = await self._desk.places().save(place, self._revision)
        self.place = place

    def _now(self) -> Environment:
        """The environment, for what is done from this place on: whoever wrote down an earlier one may change nothing more."""
        return self.env.under(Order(self._call.id, self._call.person, self._call.at, act=self._revision))

    def _deployer(self) -> Deployer:
        deployer = self._now().deployer
        assert deployer is not None
        return deployer

    async def do(self, step: str) -> AsyncIterator[list[Block]]:
        """Carry out one of the contract's steps; yields the card whenever it changes.

        Raises:
            Failed: it went back; nothing of the new version is left.
            ProviderError: it is not known how far it got.
            KeepConflict: another attempt has taken over.
            Taken: somebody else changes the app by now, so that it was left as it is.
        """
        steps = {"start": self._start, "launch": self._launch, "shift": self._shift, "retire": self._retire}
        returning = self.place.phase in ("back", "over") and self.place.state != "succeeded"
        try:
            if self.place.phase != "over":
                await self._hold.keep()
            if returning:
                async for card in self._shown(self._back(self.place.why)):
                    yield card
            elif step in steps:
                async for card in self._shown(steps[step]()):
                    yield card
            elif step == "record":
                await self._record()
        except (KeepConflict, BusError):
            raise
        except Taken as error:
            if self.place.phase != "over":
                await self._end("failed", error.text)
            raise
        except (Tripped, UserError, Failed, ProviderError) as error:
            why = str(error) if isinstance(error, Tripped) else error.text
            if self.place.phase in ("back", "over"):
                raise  # it went back, or can't
            if self.place.phase == "retiring" or (step == "launch" and isinstance(error, ProviderError)):
                await self._end("failed", why)
                raise
            async for card in self._shown(self._back(why)):
                yield card

    async def _start(self) -> AsyncIterator[None]:
        place = self.place
        lock = await self._desk.locks().against(place.env, place.person, rollback=place.rollback)
        if lock is not None and not place.forced and place.phase == "pinned":
            raise Failed(lock.said())
        if self.env.deployer is None:
            return
        await self._same_as_pinned()
        doing = "making sure that it takes" if self.env.in_place else f"starting {place.count} replicas of"
        await self.save(place.told(f"{doing} {place.version}", phase="starting"))
        version = Version(place.version, place.digest, place.commit)
        async for _ in self._while(lambda: self._deployer().start(place.app, version, place.count, place.key)):
            yield

    async def _launch(self) -> AsyncIterator[None]:
        """Have another system deploy. Never begun twice: the step is ONCE, and the system is given our id."""
        place = self.place
        if self.env.trigger is None:
            return
        await self._same_as_pinned()
        await self.save(place.told(f"{self.env.trigger.name} was asked to deploy {place.version}", phase="shifting"))
        trigger = self._now().trigger
        assert trigger is not None
        async for step in trigger.run(place.app, Version(place.version, place.digest, place.commit), place.key):
            self.place = self.place.told(step.text)
            yield

    async def _shift(self) -> AsyncIterator[None]:
        if self.env.deployer is None:
            return
        while self.place.stage < len(self.place.stages):
            place = self.place
            await self._same_as_pinned()
            phase = "paused" if place.phase == "paused" else "shifting"
            whole = ", in whole replicas" if self.env.in_place and place.share < 100 else ""
            await self.save(place.told(f"{place.share} % of the traffic to {place.version}{whole}", phase=phase))
            async for _ in self._while(partial(self._go_over, place.shares()), heed=True):
                yield
            if self.place.phase == "shifting":
                await self.save(replace(self.place, phase="soaking", since=time.time()))
            if self.place.soak:
                async for _ in self._soak():
                    yield
            held = self.place
            if self._watch.gates:
                held = held.told(f"held at {place.share} %: {', '.join(self._watch.gates)}")
            await self.save(replace(held, phase="shifting", stage=place.stage + 1))

    async def _go_over(self, shares: Mapping[str, int]) -> None:
        await self._deployer().shift(self.place.app, shares)

    async def _soak(self) -> AsyncIterator[None]:
        """Watch a stage until it is passed. A worker that takes over begins to watch anew."""
        begun, shown = time.monotonic(), 0.0
        while True:
            await self._hold.keep()
            if await self._hear():
                return
            watched, paused = time.monotonic() - begun, self.place.phase == "paused"
            known = await self._watch.judge(self.place, watched)
            if paused and time.time() - self.place.since > LONGEST_PAUSE:
                raise Tripped(f"nobody sent it on for {LONGEST_PAUSE / 3600:.0f} hours")
            if not paused and watched >= self.place.soak:
                if known:
                    return
                if watched >= self.place.soak + GRACE:
                    text = f"paused for want of data ({', '.join(self._watch.gates)}); promote or abort {self.place.id}"
                    await self.save(self.place.told(text, phase="paused", since=time.time()))
            if time.monotonic() - shown >= 1.0:
                shown = time.monotonic()
                await self._watch.look(self.place)
                yield
            await asyncio.sleep(TICK)

    async def _hear(self) -> bool:
        """Do what people wish; whether it is to go on to the next stage."""
        wished = await self._desk.places().wished(self.place)
        if wished is None:
            return False
        wish, person, revision = wished
        if wish == "abort":
            raise Tripped(f"aborted by {person}")
        if wish == "promote":
            self.place = self.place.told(f"sent on by {person}", wishes=revision)  # written down with the next stage
            return True
        await self.save(self.place.told(f"paused by {person}", phase="paused", since=time.time(), wishes=revision))
        return False

    async def _heed(self) -> bool | None:
        """What people wish while the traffic goes over: to stand still (True), or to go on; None: nothing new.

        Raises:
            Tripped: to go back.
        """
        paused, pausable = self.place.phase == "paused", isinstance(self.env.deployer, Pausable)
        if paused and time.time() - self.place.since > LONGEST_PAUSE:
            raise Tripped(f"nobody sent it on for {LONGEST_PAUSE / 3600:.0f} hours")
        wished = await self._desk.places().wished(self.place)
        if wished is None or (wished[0] != "abort" and (not pausable or paused == (wished[0] == "pause"))):
            return None  # it is heard once the traffic has gone over
        if await self._hear():
            await self.save(replace(self.place, phase="shifting"))
        return self.place.phase == "paused"

    async def _stand(self, still: bool) -> None:
        deployer = self._deployer()
        if isinstance(deployer, Pausable):
            await deployer.pause(self.place.app, still)

    async def _retire(self) -> AsyncIterator[None]:
        place = self.place
        if self.env.deployer is None:
            return
        lost = await self._watch.lost(place)
        await self.save(place.told(f"stopping what ran before {place.version}", phase="retiring", lost=lost))
        async for _ in self._while(lambda: self._deployer().retire(place.app, place.version, self._tell)):
            yield

    async def _record(self) -> None:
        place = self.place
        await history.remember(self._desk.keep(), place)
        await self._end("succeeded", "")
        try:
            await self._desk.places().prune()
        except BusError as error:  # it runs all the same; the next one tidies up
            logs.emit(names.HANDLER_FAILED, exc=error, command=place.command, bot="deploy")

    async def _back(self, why: str) -> AsyncIterator[None]:
        """Bring everything back to what ran before, say so, and ask what went wrong.

        Raises:
            ProviderError: it did not come back as a whole, and nobody knows how far.
        """
        place, deployer = self.place, self.env.deployer
        if place.phase != "over":
            # Whoever takes over on the way back does it again, and does not tell it again.
            await self.save(place if place.phase == "back" else place.told(f"going back: {why}", phase="back", why=why))
            if deployer is not None and place.previous:
                try:
                    async for _ in self._give_back(place):
                        yield
                except Taken as error:
                    await self._end("failed", error.text)
                    raise
                except KeepConflict:
                    raise
                except (UserError, Failed) as error:  # that this was refused does not mean that nothing happened
                    raise ProviderError(f"going back to {place.previous}: {error.text}", hint=error.hint) from error
        undone = deployer is not None and bool(place.previous)
        await self._end("rolled-back" if undone else "failed", why)
        place = self.place
        if place.story and any("%" in text for _, text in place.story):  # it had traffic: what did it do to it?
            await self._ask(f"graph errors {place.app} --by version --around {place.id}")
            await self._ask(f"logs new {place.app} --since {place.id}")
        hint = f"{place.previous} runs as before; see deploy show {place.id}" if undone else "there is nothing to go back to"
        raise Failed(cards.verdict(place), hint=hint, blocks=[*self.chart(), cards.story(place)])

    async def _give_back(self, place: Place) -> AsyncIterator[None]:
        async for _ in self._while(partial(self._go_over, {place.previous: 100})):
            yield
        back, lost = f"100 % of the traffic to {place.previous}", await self._watch.lost(self.place)
        known = any(text == back for _, text in self.place.story)
        await self.save(replace(self.place, lost=lost) if known else self.place.told(back, lost=lost))
        async for _ in self._while(lambda: self._deployer().retire(place.app, place.previous, self._tell)):
            yield

    async def _ask(self, line: str) -> None:
        try:
            await self._call.ask(line)
        except BusError as error:
            logs.emit(names.HANDLER_FAILED, exc=error, command=self._call.id, bot="deploy")

    async def _end(self, state: Any, why: str) -> None:
        """Write down that it is over, here and for everybody."""
        await self._watch.note(self.place)
        now = self.place.ended or time.time()
        words = {"succeeded": f"{self.place.version} runs", "rolled-back": f"{self.place.previous} runs as before"}
        told = self.place.told(words.get(state, why or "failed"), phase="over", state=state, why=why, ended=now)
        await self.save(replace(told, attempt=self._call.attempt))
        mark = await self._desk.marks().find(self.place.id)
        if mark is not None:
            detail = {**mark.detail, "why": why[:500], "lost": str(self.place.lost)}
            await self._desk.marks().update(replace(mark, state=state, until=max(now, mark.at), detail=detail))
        await self._hold.release()

    async def _same_as_pinned(self) -> None:
        """Make sure that the version still is what it was pinned to.

        Raises:
            Tripped: its name means something else by now.
        """
        provider = self.env.deployer or self.env.trigger
        assert provider is not None
        found = await self._firmly(lambda: provider.pin(self.place.app, self.place.version))
        if found.digest != self.place.digest:
            raise Tripped(f"{self.place.version} was {self.place.digest[:12]} and now is {found.digest[:12]}")

    def _tell(self, text: str, done: float | None) -> None:
        self._doing = text if done is None else f"{text} ({done:.0%})"

    async def _while(self, action: Callable[[], Awaitable[None]], *, heed: bool = False) -> AsyncIterator[None]:
        """Carry out an action, tried again where the environment did not do it, with a look each second.

        Args:
            heed: do what people wish meanwhile, too; then the action is begun anew, since it is another act.
        """
        task = asyncio.ensure_future(self._firmly(action))
        try:
            while not (await asyncio.wait({task}, timeout=1.0))[0]:
                await self._hold.keep()
                if heed and (still := await self._heed()) is not None:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                    await self._firmly(partial(self._stand, still))
                    task = asyncio.ensure_future(self._firmly(action))
                await self._watch.look(self.place)
                yield
            task.result()
            await self._watch.look(self.place)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _firmly(self, action: Callable[[], Awaitable[T]]) -> T:
        for pause in RETRIES:
            try:
                return await action()
            except ProviderError:
                await asyncio.sleep(pause)
        return await action()

    async def _shown(self, work: AsyncIterator[None]) -> AsyncIterator[list[Block]]:
        yield self.card()
        async for _ in work:
            yield self.card()

    def card(self) -> list[Block]:
        """What people see now."""
        return self._watch.card(self.place, self._doing)

    def chart(self) -> list[Block]:
        """The errors over the whole rollout."""
        return self._watch.chart(self.place)
