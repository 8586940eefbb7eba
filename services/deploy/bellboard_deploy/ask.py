"""From a line to a rollout: what is wanted, whether it may be, what it would do, and the way through its steps."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from bellboard import Block, Call, Failed, ProviderError, UserError, reply, table, text
from bellboard.api.deploy.v1 import deploy_pb2 as pb
from bellboard.marks import Draft
from bellboard.replies import GOOD, WARNING

from . import cards, history
from .desk import Desk
from .environments import nearest
from .gates import read_gates, read_stages
from .holding import Hold, hold
from .place import Place, State
from .providers import Environment, Version
from .rollout import Rollout

LONGEST_SOAK = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a line asks for. ``version`` empty: the one before. ``soak`` is in seconds."""

    app: str
    version: str
    env: str
    reason: str
    stages: tuple[int, ...] = (100,)
    gates: tuple[str, ...] = ()
    soak: float = 0.0
    rollback: bool = False


def wanted(app: str, version: str, env: Environment, canary: str, gates: Sequence[str], soak: float, reason: str) -> Wanted:
    """What is typed, understood.

    Raises:
        UserError: it makes no sense.
    """
    if soak > LONGEST_SOAK:
        raise UserError("a stage is watched for an hour at most", hint="--soak 30s; deploy pause holds it for longer")
    if env.gauges is None and gates and list(gates) != ["none"]:
        raise UserError(f"nothing is measured in {env.name}, so no gate can be kept", hint="leave out --gate")
    chosen = read_gates(gates)
    if gates and chosen and not soak:
        raise UserError("a stage that is not watched can keep no gate", hint="--soak 30s, or leave out --gate")
    kept = tuple(gate.text for gate in chosen) if env.gauges is not None and soak else ()
    stages = read_stages(canary) if env.deployer is not None and app not in env.whole else (100,)
    return Wanted(app=app, version=version, env=env.name, reason=reason, stages=stages, gates=kept, soak=soak)


async def carry_out(call: Call, want: Wanted, desk: Desk) -> AsyncIterator[tuple[list[Block], Place | None]]:
    """Go through the contract's steps; what people see on the way, and where the rollout stands."""
    env = desk.environment(want.env)
    if call.preview:
        yield await preview(call, want, env, desk), None
        return
    place, revision = await desk.places().of(call.id)
    rollout = Rollout(call, env, desk, place, revision) if place else None
    if rollout is not None and place is not None and place.attempt != call.attempt:
        await rollout.save(replace(place, attempt=call.attempt))  # whoever had it can write no more
    async for step in call.steps():
        if step == "pin":
            rollout = rollout or await _pin(call, want, env, desk)
            if rollout is None:
                yield [text(f"{want.app} in {want.env} runs {want.version} already", tone=GOOD)], None
                return
            await _mark(call, rollout, desk)
        if rollout is None:
            raise ProviderError("nothing is remembered of this deploy", hint="look at deploy status before you try again")
        async for card in rollout.do(step):
            yield card, rollout.place
    if rollout is not None:
        yield cards.over(rollout.place, rollout.chart()), rollout.place


async def _pin(call: Call, want: Wanted, env: Environment, desk: Desk) -> Rollout | None:
    """Say exactly what is to happen, and write it down; None if there is nothing to do."""
    version, now, count = await _look(want, env, desk)
    in_the_way = await desk.locks().against(env.name, call.person, rollback=want.rollback)
    if in_the_way and not call.force:
        verb = "rollback" if want.rollback else "deploy"
        raise Failed(in_the_way.said(), hint=f"{verb}! … --reason WHY goes past it, or {in_the_way.way_out()}")
    if now is not None and now.name == version.name:
        return None
    place = Place(
        command=call.id,
        app=want.app,
        env=env.name,
        person=call.person,
        version=version.name,
        digest=version.digest,
        commit=version.commit,
        previous=now.name if now else "",
        previous_digest=now.digest if now else "",
        count=count,
        stages=want.stages if now else (100,),
        soak=want.soak,
        gates=want.gates,
        began=time.time(),
        reason=want.reason,
        forced=in_the_way.said() if in_the_way else "asked for" if call.force else "",
        attempt=call.attempt,
        rollback=want.rollback,
    ).told(f"pinned {version.name} to {version.digest[:12] or 'itself'}")
    if place.forced:
        place = place.told(f"forced by {call.person}: “{want.reason}” ({place.forced})")
    await _bury(want, desk)
    await hold(call, env, want.app, f"the deploy of {version.name}").take()
    return Rollout(call, env, desk, place, await desk.places().save(place, 0))


async def _bury(want: Wanted, desk: Desk) -> None:
    """Close what was lost for good: it had the turn that we have now, so nobody works on it any more."""
    for lost in await desk.places().open(want.env, want.app):
        place, revision = await desk.places().of(lost.command)
        if place is not None and place.state == "running":
            await Hold(desk.environment(want.env), want.app, place.command, "").release()
            why = "its worker was lost, and another deploy came after it"
            await desk.places().save(place.told(why, state="failed", phase="over", why=why, ended=time.time()), revision)
            if (mark := await desk.marks().find(place.id)) is not None:
                await desk.marks().update(replace(mark, state="failed", until=max(mark.at, time.time())))


async def _mark(call: Call, rollout: Rollout, desk: Desk) -> None:
    """Give it its id, once."""
    place = rollout.place
    if place.id:
        return
    detail = {"version": place.version, "previous": place.previous, "digest": place.digest, "reason": place.reason}
    draft = Draft(
        title=f"{place.app} {f'{place.previous} → ' if place.previous else ''}{place.version}",
        at=place.began,
        app=place.app,
        env=place.env,
        person=place.person,
        command=call.id,
        detail={**detail, **({"forced": place.forced} if place.forced else {})},
    )
    mark = await desk.marks().begin("D", draft, key=call.id)
    await rollout.save(replace(place, id=mark.id))


async def _look(want: Wanted, env: Environment, desk: Desk) -> tuple[Version, Version | None, int]:
    """The version pinned, what runs now, and how many replicas it is to have.

    Raises:
        UserError: there is no such app or version, or nothing to go back to.
    """
    provider = env.deployer or env.trigger
    if provider is None:
        raise Failed(f"nothing deploys to {env.name}", hint="see the settings of the deploy bot")
    apps = await provider.apps()
    if want.app not in apps:
        raise UserError(f"there is no app “{want.app[:40]}” in {env.name}", hint=nearest(want.app, list(apps)))
    now = await history.current(env, want.app)
    name = want.version or await history.before(desk.keep(), env.name, want.app, now)
    version = await provider.pin(want.app, name)
    if env.deployer is None:
        return version, await env.trigger.current(want.app) if env.trigger else None, 0
    running = (await env.deployer.observe(want.app)).of(now) if now else ()
    if any(one.version == version.name and one.digest != version.digest for one in running):
        raise UserError(f"{now} runs already and was something else then", hint="give the new version a name of its own")
    before = Version(now, running[0].digest) if running else None
    ready = sum(one.state == "ready" for one in running)
    return version, before, 0 if env.in_place else ready or env.replicas


async def preview(call: Call, want: Wanted, env: Environment, desk: Desk) -> list[Block]:
    """The plan: what changes, in which steps, and what is in the way. Nothing is done."""
    version, now, count = await _look(want, env, desk)
    if now is not None and now.name == version.name:
        return [text(f"{want.app} in {env.name} runs {version.name} already; nothing would be done", tone=GOOD)]
    lock = await desk.locks().against(env.name, call.person, rollback=want.rollback)
    busy = await desk.places().running(env.name, want.app)
    rows = [
        ("from", now.name if now else "nothing"),
        ("to", f"{version.name} ({version.digest[:12]}) {version.summary}".strip()),
        ("replicas", _replicas(env, count)),
        ("traffic", " → ".join(f"{share} %" for share in (want.stages if now else (100,))) + _about(env)),
        ("watched", f"{want.soak:g} s each stage" if want.soak else "not at all"),
        ("gates", ", ".join(want.gates) or "none"),
        ("if one breaks", f"back to {now.name}, by itself" if now else "nothing to go back to"),
        ("lock", lock.said() if lock else await _own_lock(call, env, desk)),
        ("waits for", "; ".join(cards.title(place) for place in busy) or "nobody"),
        ("meanwhile", f"other deploys, scale and restart of {want.app} in {env.name} wait"),
    ]
    blocks = [table(["plan", ""], rows, title=f"{want.app} in {env.name}; nothing is done yet")]
    if lock and not call.force:
        blocks.append(text(f"it would be refused: {lock.said()}", tone=WARNING))
    return blocks + (await history.diff(env, want.app, version.name))[1:]


async def _own_lock(call: Call, env: Environment, desk: Desk) -> str:
    """The lock that keeps everybody but whoever asks away, if there is one."""
    own = await desk.locks().against(env.name)
    return f"yours; others are kept away: {own.said()}" if own and own.kind == "lock" and own.person == call.person else "none"


def _replicas(env: Environment, count: int) -> str:
    if env.in_place:
        return f"{env.name} has new ones take the place of those that run"
    return f"{count} new ones beside those that run, which are stopped at the end" if count else "not ours to say"


def _about(env: Environment) -> str:
    return ", as near as whole replicas allow" if env.in_place else ""


def said(blocks: list[Block], place: Place | None) -> pb.StartResponse:
    """As the answer of `deploy`."""
    if place is None:
        return pb.StartResponse(reply=reply(*blocks))
    return pb.StartResponse(reply=reply(*blocks), id=place.id, version=place.version, digest=place.digest)


async def probe(call: Call, env: Environment, desk: Desk) -> tuple[list[Block], bool | None]:
    """What became of a lost rollout; None where that can't be known. It is noted, and nothing of the environment changed."""
    place, _ = await desk.places().of(call.id)
    if place is None:
        return [text("nothing is remembered of it; its worker may only be slow", tone=WARNING)], None
    if place.state != "running":
        return cards.over(place), place.state == "succeeded"
    happened, seen = await _became(place, env)
    state: State = "unknown" if happened is None else "succeeded" if happened else "failed"
    told = await desk.places().found(place, state, f"its worker was lost; {seen}")
    mark = await desk.marks().find(place.id) if place.id else None
    if mark is not None:
        detail = {**mark.detail, "why": told.why[:500]}
        await desk.marks().update(replace(mark, state=state, until=max(told.ended, mark.at), detail=detail))
    if happened:
        await history.remember(desk.keep(), place)
    return [text(seen, tone=WARNING), *cards.over(told)], happened


async def _became(place: Place, env: Environment) -> tuple[bool | None, str]:
    """Whether it happened, and what is seen of it."""
    if env.deployer is None:
        outcome = await env.trigger.find(place.app, place.key) if env.trigger else None
        return (outcome.happened, outcome.text) if outcome else (None, "nobody can tell what became of it")
    shares = (await env.deployer.observe(place.app)).shares()
    traffic = ", ".join(f"{name} {share} %" for name, share in shares.items()) or "nobody"
    unseen = place.phase in ("pinned", "starting") and place.version not in shares
    return True if shares == {place.version: 100} else False if unseen else None, f"the traffic goes to: {traffic}"
