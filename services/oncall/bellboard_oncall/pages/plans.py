"""Whom a step tells, and how: what its policy says, looked up in the rota and among the contacts when it begins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bellboard import ProviderError, UserError
from bellboard.telemetry import logs, names

from ..rota import Rota
from .book import steadily
from .model import CHAT, PAGERDUTY, Page, Plan, Policy, Step
from .policy import DEFAULT, Contacts, Events

AHEAD = 100 * 86400.0
"""How far ahead the rota is looked at for everybody who takes turns in it, in seconds."""

PERSON = Policy(name="person", steps=(Step(notify=("oncall",)), Step(notify=("oncall",), after=300.0)), repeat=2)
"""For a person: at once, again after 5 minutes, and both once more."""

PAGER = Plan(whom=(), how=PAGERDUTY, to="", label="PagerDuty")


def policy_for(rota: Rota, policy: str) -> Policy:
    """The policy of a name; the default one where the file has none of that name any more."""
    known: Mapping[str, Policy] = rota.part("policies")
    return known.get(policy) or known[DEFAULT]


OPS = "ops"
"""The room where people are mentioned if nothing says which."""


async def plans(page: Page, step: Step, rota: Rota, now: float) -> tuple[tuple[Plan, ...], str, bool]:
    """The messages of a step, whom it can't reach and why, and whether it reaches anybody at all.

    The room is told in any case; where that is gone, another one.
    """
    contacts: Contacts = rota.part("contacts")
    events: Events = rota.part("notifiers")
    people: dict[str, None] = {}
    rooms: list[Plan] = []
    others: list[Plan] = []
    troubles: list[str] = []
    for target in step.notify:
        if target.startswith("#") and rota.rooms and target[1:] not in rota.rooms:
            troubles.append(f"there is no room {target}")
        elif target.startswith("#"):
            rooms.append(Plan(whom=(), how=CHAT, to=target[1:], label=target))
        elif target == PAGERDUTY and events.key:
            others.append(PAGER)
        elif target == PAGERDUTY:
            troubles.append("no key for PagerDuty is known")
        else:
            try:
                people_now = await steadily(partial(_who, page, target, rota, now))
                found, trouble = _known(people_now, target, page, rota)
                people |= dict.fromkeys(found)
                troubles += trouble
            except (UserError, ProviderError) as error:
                troubles.append(f"who is on call is not known: {error.text}")
            except Exception as error:  # noqa: BLE001  # a task boundary: whatever is wrong with a rota, the others are told
                logs.emit(names.UNEXPECTED, exc=error, page=page.id)
                troubles.append("who is on call is not known: its rota broke")
    room = _room(page.room, rota)
    if room != page.room:
        troubles.append(f"there is no room #{page.room}")
    mention = Plan(whom=tuple(people), how=CHAT, to=room, label=f"#{room}")
    outside = [way for person in people for way in contacts.ways(person)]
    messages = (mention, *(one for one in rooms if one.to != room), *outside, *others)
    return messages, "; ".join(dict.fromkeys(troubles)), bool(people or rooms or others)


def _room(room: str, rota: Rota) -> str:
    """A room that there is: this one, or else where everything goes that has no place."""
    if not rota.rooms or room in rota.rooms:
        return room
    return OPS if OPS in rota.rooms else min(rota.rooms)


def _known(people: tuple[str, ...], target: str, page: Page, rota: Rota) -> tuple[tuple[str, ...], list[str]]:
    """Those of them that there still are, and what is to be said of the others, or of nobody."""
    there = tuple(person for person in people if person in rota.people or not rota.rooms)  # no rooms: no file of people
    gone = [f"{person} is not among the people any more" for person in people if person not in there]
    if not people and target != "next-oncall":
        gone.append(f"nobody is on call for {page.target}")
    return there, gone


async def _who(page: Page, target: str, rota: Rota, now: float) -> tuple[str, ...]:
    """The ids of the people that a word of a policy means now."""
    if target.startswith("person:"):
        return (target.removeprefix("person:"),)
    if page.person:
        return (page.person,) if target == "oncall" else ()
    on = [shift.person for shift in await rota.who(page.team, now)]
    if target == "oncall":
        return tuple(on[:1])
    shifts = await rota.schedule(page.team, now, now + AHEAD)
    if target == "next-oncall":
        later = (shift.person for shift in shifts if shift.start > now and shift.person not in on[:1])
        return tuple(on[1:2]) or tuple(dict.fromkeys(later))[:1]
    return tuple(dict.fromkeys([*on, *(shift.person for shift in shifts)]))


def address(plan: Plan, rota: Rota) -> str:
    """Where a message goes; empty if that is not in the file any more. It is a secret."""
    if plan.how == PAGERDUTY:
        events: Events = rota.part("notifiers")
        return f"{events.key} {events.url}" if events.key else ""
    contacts: Contacts = rota.part("contacts")
    return contacts.address(plan)
