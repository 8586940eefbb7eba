"""Setting and ending silences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bellboard import Block, Call, ProviderError, UserError, choice, question, text
from bellboard.marks import Draft
from bellboard.plain import plain
from bellboard.replies import GOOD, WARNING

from . import cards
from .desk import Desk
from .groups import Group
from .silences import Matchers, Silence, matchers
from .telling import renew

ALERT = re.compile(r"[Aa][0-9]+")
"""The form of an alert's id."""

LONGEST = 90 * 86400.0
"""Seconds of the longest silence."""

DEFAULT = 3600.0
"""Seconds of a silence whose length is not said."""

_LENGTH = re.compile(r"[1-9][0-9]{0,4}(?:m|h|d|w)(?:\s|$)")
"""How a reason begins that is a length without the word before it."""

SAY_NOTHING = frozenset({"severity", "priority", "level"})
"""The labels that don't say what it is that burns."""


async def silence(call: Call, desk: Desk, target: str, why: str, length: float) -> list[Block]:
    """Silence an alert's group by its labels, or all of a team's.

    Raises:
        UserError: there is no such alert or team, or that is no length for a silence.
    """
    if length == DEFAULT and (bare := _LENGTH.match(why)):
        raise UserError("for how long?", hint=f"alert silence {target} for {bare[0].strip()}")
    if not 0 < length <= LONGEST:
        raise UserError("a silence lasts from a second to 90 days", hint="alert silence A3 for 1h")
    wanted, group = await _wanted(call, desk, target, why, length)
    if call.preview:
        return [text(f"would silence {about(wanted)} until {cards.clock(wanted.until)}; nothing is done yet")]
    draft = Draft(title=f"silence of {about(wanted)}", at=wanted.since, until=wanted.until, person=call.person, command=call.id)
    mark = await desk.marks.begin("S", replace(draft, state="silenced", detail={"why": plain(why)[:200]}), key=call.id)
    wanted = await _at_the_source(desk, replace(wanted, id=mark.id), group)
    await desk.silences().put(wanted)
    await call.ask("alert sweep", at=wanted.until, key=f"silence.{wanted.id}")
    await _show(call, desk, wanted)
    words = f"{wanted.id}: {about(wanted)} is silenced until {cards.clock(wanted.until)}"
    said = [text(words, tone=GOOD)]
    if wanted.note:
        said.append(text(f"here alone: {wanted.note}", tone=WARNING))
    return [*said, question("Enough?", choice("End it", f"alert expire {wanted.id}"))]


async def _wanted(call: Call, desk: Desk, target: str, why: str, length: float) -> tuple[Silence, Group | None]:
    group = await desk.groups().of(target)
    base = Silence(id="", person=call.person, why=plain(why)[:200], since=call.at, until=call.at + length)
    if group is not None:
        labels = group.shared
        if labels.keys() <= SAY_NOTHING:  # by those alone, what has nothing to do with it would be silenced too
            return replace(base, group=group.name, title=group.title), group
        return replace(base, labels=labels), group
    if await desk.marks.find(target) is not None:
        raise UserError(f"{target[:16]} does not burn any more", hint="see: alert list")
    if ALERT.fullmatch(target):
        raise UserError(f"there is no alert {target[:16]}", hint="see: alert list, or alert silence TEAM")
    return replace(base, team=desk.rota.team(target).name), None


async def _at_the_source(desk: Desk, wanted: Silence, group: Group | None) -> Silence:
    """The silence, set where its alerts come from as well, where that is possible."""
    if not desk.silencer.there:
        return wanted
    try:
        remote = [
            await desk.silencer.silence(f"{wanted.id}.{number}", some, wanted.since, wanted.until, wanted.person, wanted.why)
            for number, some in enumerate(_remote(desk, wanted, group), 1)
        ]
    except ProviderError as error:
        return replace(wanted, note=error.text)
    return replace(wanted, remote=tuple(remote))


def _remote(desk: Desk, wanted: Silence, group: Group | None) -> Sequence[Matchers]:
    """What is to be silenced at an Alertmanager: the group's labels, or what the file sends to the team."""
    if group is not None:
        return [matchers(wanted.labels)] if group.silencer and wanted.labels else []
    rules = [rule for rule in desk.routing.table().rules if rule.route.team == wanted.team and rule.match]
    return [
        [
            {"name": name, "value": rule.exact.get(name, pattern.pattern), "isRegex": name not in rule.exact, "isEqual": True}
            for name, pattern in rule.match.items()
        ]
        for rule in rules
    ]


async def expire(call: Call, desk: Desk, id: str) -> list[Block]:
    """End a silence, here and at the source.

    Raises:
        UserError: there is none.
    """
    found = await desk.silences().get(id)
    if call.preview:
        return [text(f"would end {found.id}, of {about(found)}; nothing is done yet")]
    left = []
    for remote in found.remote:
        try:
            await desk.silencer.expire(remote)
        except ProviderError as error:
            left.append(error.text)
    await desk.silences().end(found.id)
    mark = await desk.marks.find(found.id)
    if mark is not None and (mark.until is None or mark.until > call.at):
        await desk.marks.update(replace(mark, until=call.at, state="ended"))
    await call.unask(f"silence.{found.id}")
    await call.ask("alert sweep", at=call.at, key=f"ended.{found.id}")
    said = [text(f"{found.id}: {about(found)} is heard again", tone=GOOD)]
    return said + [text(f"not at the source: {why}", tone=WARNING) for why in dict.fromkeys(left)]


async def _show(call: Call, desk: Desk, silence: Silence) -> None:
    """Bring the cards of what burns under a silence up to date."""
    covered = [one for one in await desk.groups().all() if one.open and one.card and silence.covers(one)]
    await renew(call, desk, covered)


def about(silence: Silence) -> str:
    """What a silence is about, in words."""
    if silence.team:
        return f"all of {silence.team}"
    if silence.group:
        return silence.title[:200]
    return " ".join(f"{name}={value}" for name, value in silence.labels.items())[:200]
