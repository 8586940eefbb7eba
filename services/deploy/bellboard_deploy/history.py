"""What ran, what runs, and what happened: for `deploy status`, `where`, `history`, `queue` and `show`, and for going back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson

from bellboard import Block, Failed, ProviderError, UserError, table, text
from bellboard.keep import Keep, KeepConflict, token
from bellboard.marks import Mark
from bellboard.ranges import Span
from bellboard.replies import GOOD, WARNING

from . import cards
from .desk import Desk
from .environments import nearest
from .place import Place
from .providers import Environment
from .trend import Trend, chart

REMEMBERED = 50


def _key(env: str, app: str) -> str:
    return f"ran.{token(env)}.{token(app)}"


async def remember(keep: Keep, place: Place) -> None:
    """Note what runs now, and what ran before. A rollback takes back what came after the version it brings back."""
    key = _key(place.env, place.app)
    while True:
        kept = await keep.get(key)
        ran: list[dict[str, str]] = orjson.loads(kept.value) if kept else []
        if ran and ran[-1]["id"] == place.id:
            return
        if place.rollback:
            known = [at for at, one in enumerate(ran) if one["version"] == place.version]
            ran = ran[: known[-1]] if known else []
        elif place.previous and (not ran or ran[-1]["version"] != place.previous):
            ran.append({"version": place.previous, "id": ""})
        ran.append({"version": place.version, "id": place.id})
        try:
            await keep.put(key, orjson.dumps(ran[-REMEMBERED:]), expected=kept.revision if kept else 0)
        except KeepConflict:
            continue
        return


async def before(keep: Keep, env: str, app: str, now: str) -> str:
    """The version that ran before the one that runs now.

    Raises:
        UserError: none is known.
    """
    kept = await keep.get(_key(env, app))
    ran = [one["version"] for one in orjson.loads(kept.value)] if kept else []
    earlier = [version for version in ran if version != now]
    if now in ran:
        earlier = [version for version in ran[: len(ran) - 1 - ran[::-1].index(now)] if version != now]
    if not earlier:
        raise UserError(f"nothing is known to have run before {now or 'this'}", hint=f"rollback {app} in {env} to VERSION")
    return str(earlier[-1])


async def status(desk: Desk, env: str, app: str) -> list[Block]:
    """What runs where, as the environments themselves say."""
    rows: list[tuple[str | float | None, ...]] = []
    running = {(place.env, place.app): place for place in await desk.places().running()}
    for one in desk.some(env):
        for name in await _apps(one, app):
            busy = running.get((one.name, name))
            rows += [(one.name, name, *row, busy.id if busy else None) for row in await _versions(one, name)]
    if not rows:
        known = await _every_app(desk, env)
        raise UserError(f"there is no app “{app[:40]}”" if app else "there is no app yet", hint=nearest(app, known))
    return [table(["env", "app", "version", "traffic %", "ready", "deploy"], rows)]


async def _every_app(desk: Desk, env: str) -> list[str]:
    return sorted({name for one in desk.some(env) for name in await _apps(one, "")})


async def _apps(env: Environment, app: str) -> Sequence[str]:
    provider = env.deployer or env.trigger
    names = await provider.apps() if provider else ()
    return [name for name in names if app in ("", name)]


async def _versions(env: Environment, app: str) -> list[tuple[str, float | None, str]]:
    if env.deployer is None:
        found = await env.trigger.current(app) if env.trigger else None
        return [(found.name if found else "unknown", None, "")]
    observed = await env.deployer.observe(app)
    shares = observed.shares()
    names = list(dict.fromkeys(one.version for one in observed.replicas))
    ready = {name: sum(one.state == "ready" for one in observed.of(name)) for name in names}
    return [(name, float(shares.get(name, 0)), f"{ready[name]} of {len(observed.of(name))}") for name in names] or [
        ("nothing", None, "")
    ]


async def where(desk: Desk, app: str) -> list[Block]:
    """Where one can deploy now, and what is in the way elsewhere."""
    rows = []
    for env in desk.some(""):
        if app and not await _has(env, app):
            continue
        lock = await desk.locks().against(env.name)
        begun = await desk.places().open(env.name, app)
        busy = [place for place in begun if place.state == "running"]
        ahead = [one for one in await desk.locks().standing(env.name) if lock is None or one.id != lock.id]
        why = [lock.said()] if lock else []
        why += [f"{cards.title(place)} runs; another one waits for it" for place in busy]
        why += [cards.verdict(place) for place in begun if place.state == "unknown"]
        why += [one.said() for one in ahead]
        answer = "no" if lock else "waits" if busy else "yes"
        rows.append((env.name, (env.deployer or env.trigger or env).name, answer, "; ".join(why)))
    if not rows:
        raise UserError(f"there is no app “{app[:40]}”", hint=nearest(app, await _every_app(desk, "")))
    return [table(["env", "kind", "free", "why"], rows)]


async def _has(env: Environment, app: str) -> bool:
    """Whether an environment has an app. One that can't be asked may; what is in the way there is known all the same."""
    try:
        return bool(await _apps(env, app))
    except (ProviderError, Failed):
        return True


async def past(desk: Desk, env: str, app: str, span: Span) -> list[Block]:
    """The deploys of an app in a stretch of time, the newest first."""
    marks = await desk.marks().between(span.start, span.end, app=app, kinds=("deploy",))
    found = [mark for mark in reversed(marks) if env in ("", mark.env)]
    if not found:
        return [text(f"no deploy of {app}, {span.text}")]
    columns = ["id", "when", "env", "version", "before", "state", "by", "took", "why"]
    return [table(columns, [_row(mark) for mark in found], title=f"{app}, {span.text}")]


def _row(mark: Mark) -> tuple[str | datetime | timedelta | None, ...]:
    detail = mark.detail
    took = timedelta(seconds=round(mark.until - mark.at)) if mark.until is not None else None
    why = (detail.get("why") or detail.get("reason") or "").partition(". ")[0] or None  # the query is for `deploy show`
    when = datetime.fromtimestamp(mark.at, UTC)
    return mark.id, when, mark.env, detail.get("version"), detail.get("previous"), mark.state, mark.person, took, why


async def queue(desk: Desk, env: str) -> list[Block]:
    """What is being deployed now, and what was lost on the way. What waits for it is not begun, so only the house knows it."""
    waiting = text("what waits for its turn: see running")
    found = await desk.places().open(env)
    if not found:
        return [text("nothing is being deployed"), waiting]
    rows = [(p.id, p.app, p.env, p.version, _phase(p), float(p.share), p.person) for p in found]
    lost = [text(cards.verdict(place), tone=WARNING) for place in found if place.state == "unknown"]
    return [table(["id", "app", "env", "version", "phase", "traffic %", "by"], rows), *lost, waiting]


def _phase(place: Place) -> str:
    return "unknown" if place.state == "unknown" else place.phase


async def show(desk: Desk, id: str) -> list[Block]:
    """The story of one deploy; of the newest without an id."""
    places = await desk.places().all()
    if not id and not places:
        return [text("nothing has been deployed yet")]
    found = await desk.places().find(id) if id else places[-1]
    if found is None:
        raise UserError(f"there is no deploy {id[:20]}", hint="see: deploy history APP")
    seen = await desk.places().seen(found.command)
    return cards.over(found, chart(found, Trend.load(seen)) if seen else ())


async def diff(env: Environment, app: str, version: str) -> list[Block]:
    """What would change."""
    provider = env.deployer or env.trigger
    if provider is None:
        raise ProviderError(f"nothing deploys to {env.name}")
    pinned = await provider.pin(app, version)
    now = await current(env, app)
    said = f"{app} in {env.name}: {now or 'nothing'} → {pinned.name} ({pinned.digest[:12]})"
    if now == pinned.name:
        return [text(f"{app} in {env.name} runs {now} already", tone=GOOD)]
    commits = await provider.compare(app, now, pinned.name) if now else ()
    rows = [(one.id[:12], one.author, one.summary) for one in commits]
    return [text(said), table(["commit", "by", "what"], rows) if rows else text("no commits are known", tone=WARNING)]


async def current(env: Environment, app: str) -> str:
    """The version that takes most of the traffic; empty if none does."""
    if env.deployer is None:
        found = await env.trigger.current(app) if env.trigger else None
        return found.name if found else ""
    shares = (await env.deployer.observe(app)).shares()
    return max(shares, key=lambda name: shares[name]) if shares else ""
