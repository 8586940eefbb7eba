"""What happens to a page: a page, an event and the time give the page that it becomes. No I/O, no clock.

What is to be sent now is `ready`, and when to look at it next is `wake`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bellboard import UserError

from .model import CHAT, PAGERDUTY, Again, Page, Plan, Policy, Send

AGAIN: Mapping[str, Again] = {CHAT: "same", PAGERDUTY: "any"}
"""The ways in which a message may be sent again although nobody knows whether it was sent."""

TRIES = 3
BACK_OFF = (5.0, 20.0)
"""Seconds before the second and the third try of what was certainly not sent."""

STALE = 180.0
"""Seconds after which nobody can still be sending: a command has 120 at most."""

EARLY = 5.0
"""Seconds that another machine's clock may be ahead."""

STORIES = 40
MOST = 400
"""Messages that one page sends at most."""


def opened(id: str, policy: Policy, now: float, *, team: str, person: str, why: str, about: str, room: str, by: str) -> Page:
    """A new page; its first step is due as the policy says."""
    return Page(
        id=id,
        target=team or person,
        team=team,
        person=person,
        why=why,
        about=about,
        room=room,
        by=by,
        at=now,
        policy=policy,
        due=now + policy.steps[0].after,
    )


def due(page: Page, now: float) -> bool:
    """Whether the next step is to begin."""
    return page.state == "open" and page.due is not None and page.due <= now + EARLY


def begun(
    page: Page, step: int, round: int, now: float, plans: Iterable[Plan], *, trouble: str = "", reached: bool = True
) -> Page:
    """The step has begun, with these messages, if it is the one that is due; otherwise nothing has changed.

    ``trouble`` is whom it can't reach, and why. Unless anybody is ``reached`` the next step of the round begins at once.
    """
    if not due(page, now) or (page.round, page.step) != (round, step):
        return page
    page = _planned(replace(page, until=0.0), step, round, now, plans)
    if trouble:
        page = noted(page, now, f"step {step}: {trouble}")
    following = _after(page)
    if following is None:
        return replace(page, step=step + 1, due=None)
    hurried = not reached and following[0][1] == round
    (step, round), pause = following
    return replace(page, step=step, round=round, due=now if hurried else now + pause)


def _after(page: Page) -> tuple[tuple[int, int], float] | None:
    """Which step comes after the one that begins, and how many seconds later."""
    policy = page.policy
    if page.step < len(policy.steps):
        return (page.step + 1, page.round), policy.steps[page.step].after
    if page.round + 1 < policy.repeat:
        return (1, page.round + 1), policy.pause
    return None


def _planned(page: Page, step: int, round: int, now: float, plans: Iterable[Plan]) -> Page:
    """The page with more messages; the same one only once."""
    sends = list(page.sends)
    known = {(send.round, send.step, send.plan) for send in sends}
    fresh = [plan for plan in dict.fromkeys(plans) if (round, step, plan) not in known]
    if len(fresh) > (room := max(0, MOST - len(sends))):
        page = noted(page, now, f"step {step}: {len(fresh) - room} messages were NOT SENT: a page sends {MOST} at most")
    for plan in fresh[:room]:
        again = AGAIN.get(plan.how, "never")
        sends.append(Send(number=len(sends) + 1, round=round, step=step, plan=plan, due=now, at=now, again=again))
    return replace(page, sends=tuple(sends))


def ready(page: Page, now: float) -> tuple[Send, ...]:
    """The messages that are to be sent now."""
    return tuple(send for send in page.sends if send.fate == "waiting" and send.due <= now + EARLY)


def wake(page: Page) -> float | None:
    """When to look at it again; None if nothing is left to do."""
    moments = [send.due for send in page.sends if send.fate == "waiting"]
    moments += [send.at + STALE for send in page.sends if send.fate == "sending"]
    if page.state == "open" and page.due is not None:
        moments.append(page.due)
    if page.state == "acked" and page.until:
        moments.append(page.until)
    return min(moments, default=None)


def claimed(page: Page, number: int, owner: str, attempt: int, now: float) -> Page | None:
    """The message is being sent from now on by this attempt; None if it is not to be sent, or somebody else sends it."""
    send = page.send(number)
    if send.fate == "sending" and (send.owner, send.attempt) == (owner, attempt):
        return page  # it was written down after all, and nothing has been sent
    if send.fate != "waiting":
        return None
    return _put(page, replace(send, fate="sending", owner=owner, attempt=attempt, tries=send.tries + 1, at=now, why=""))


def settled(page: Page, number: int, owner: str, attempt: int, now: float, *, card: str = "") -> Page:
    """It was sent. ``card`` is the one that shows it in a room. It counts too if it was called uncertain meanwhile."""
    send = page.send(number)
    if (send.owner, send.attempt) != (owner, attempt) or send.fate not in ("sending", "uncertain"):
        return page
    page = replace(page, cards=page.cards if not card or card in page.cards else (*page.cards, card))
    return _put(page, replace(send, fate="sent", at=now, why=""))


def doubted(page: Page, number: int, owner: str, attempt: int, now: float, why: str) -> Page:
    """Nobody knows whether it was sent. It is not sent again, unless that does no harm."""
    send = page.send(number)
    if (send.owner, send.attempt) != (owner, attempt) or send.fate != "sending":
        return page
    if send.again == "any" and send.tries < TRIES:
        return missed(page, number, owner, attempt, now, why)
    return _put(page, replace(send, fate="uncertain", at=now, why=why))


def missed(page: Page, number: int, owner: str, attempt: int, now: float, why: str) -> Page:
    """It was certainly not sent. It is tried again, and when that is over the next step begins at once."""
    send = page.send(number)
    if (send.owner, send.attempt) != (owner, attempt) or send.fate != "sending":
        return page
    if (page.state != "open" or page.until) and send.plan.event == "trigger" and send.step:
        return _put(page, replace(send, fate="dropped", at=now, why=why))
    if send.tries < TRIES:
        return _put(page, replace(send, fate="waiting", at=now, due=now + BACK_OFF[send.tries - 1], why=why))
    page = _put(page, replace(send, fate="failed", at=now, why=why))
    return _hurried(page, send, now) if page.state == "open" else page


def _hurried(page: Page, send: Send, now: float) -> Page:
    """The next step at once, if this was the last hope of the newest step to reach somebody outside the room."""
    newest = max(((one.round, one.step) for one in page.sends if one.step), default=(0, 0))
    others = [one for one in page.sends if (one.round, one.step) == newest and one.plan.how != CHAT]
    mine = [one for one in others if one.plan.whom == send.plan.whom]
    if (send.round, send.step) != newest or page.due is None or any(one.fate != "failed" for one in mine):
        return page
    words = f"step {send.step} did not reach {', '.join(send.plan.whom) or send.plan.label}, so the next one begins at once"
    return noted(replace(page, due=min(page.due, now)), now, words)


def taken_over(page: Page, owner: str, attempt: int, now: float) -> Page:
    """What an earlier attempt at this command, or a command that is over, was sending is uncertain now."""
    for send in page.sends:
        if send.fate != "sending":
            continue
        same = send.owner == owner and send.attempt < attempt
        if not same and send.at + STALE > now:
            continue
        if send.again == "any" or (same and send.again == "same"):
            page = _put(page, replace(send, fate="waiting", at=now, due=now, tries=send.tries - 1))
        else:
            why = "its worker was lost while it was being sent; it is not sent again"
            page = _put(page, replace(send, fate="uncertain", at=now, why=why))
    return page


def acked(page: Page, person: str, now: float, *, plans: Iterable[Plan] = ()) -> Page:
    """Somebody is on it. Nobody else is told any more; ``plans`` tell other systems.

    Raises:
        UserError: somebody was before, or it is over.
    """
    _not_over(page)
    if page.state == "acked" and (page.acked_by, page.acked_at) == (person, now):
        return page
    if page.state == "acked":
        first = "you are" if page.acked_by == person else f"{page.acked_by} is"
        raise UserError(f"{first} on {page.id} already")
    page = replace(page, state="acked", acked_by=person, acked_at=now, due=None, until=0.0)
    return _told(noted(_dropped(page, now), now, f"{person} is on it"), "acknowledge", now, plans)


def resolved(page: Page, person: str, now: float, what: str = "", *, plans: Iterable[Plan] = ()) -> Page:
    """It is over.

    Raises:
        UserError: it is over already.
    """
    if page.state == "resolved" and (page.resolved_by, page.resolved_at) == (person, now):
        return page
    _not_over(page)
    page = replace(page, state="resolved", resolved_by=person, resolved_at=now, due=None, until=0.0)
    words = f"resolved by {person or 'a bot'}{f': {what}' if what else ''}"
    return _told(noted(_dropped(page, now), now, words), "resolve", now, plans)


def snoozed(page: Page, person: str, seconds: float, now: float) -> Page:
    """Nobody is told until then. If it is still open then, its policy goes on; whoever is on it is reminded.

    Raises:
        UserError: it is over.
    """
    words = f"put off by {person} for {length(seconds)}"
    if (now, words) in page.story:
        return page
    _not_over(page)
    until = now + seconds
    page = replace(_dropped(page, now), until=until)
    if page.state == "open":
        over = page.due is None
        page = replace(page, due=until, step=1 if over else page.step, round=page.round + 1 if over else page.round)
    return noted(page, now, words)


def reminded(page: Page, now: float, plans: Iterable[Plan]) -> Page:
    """Whoever is on it is told once more, if it was put off until now."""
    if page.state != "acked" or not page.until or page.until > now + EARLY:
        return page
    rounds = sum(1 for send in page.sends if not send.step and send.plan.event == "trigger")
    return replace(_planned(page, 0, rounds, now, plans), until=0.0)


def escalated(page: Page, person: str, now: float) -> Page:
    """The next step begins at once, even if somebody is on it.

    Raises:
        UserError: it is over, or there is no further step.
    """
    words = f"escalated by {person}"
    if (now, words) in page.story:
        return page
    _not_over(page)
    step, round = page.step, page.round
    if step > len(page.policy.steps):
        if round + 1 >= page.policy.repeat:
            raise UserError(f"{page.id} has no further step", hint="page somebody else")
        step, round = 1, round + 1
    page = replace(page, state="open", step=step, round=round, due=now, until=0.0)
    return noted(page, now, words)


def noted(page: Page, now: float, words: str) -> Page:
    """With one more line of its story."""
    return replace(page, story=(*page.story, (now, words))[-STORIES:])


def _not_over(page: Page) -> None:
    if page.state == "resolved":
        raise UserError(f"{page.id} is over: resolved by {page.resolved_by or 'a bot'}")


def _dropped(page: Page, now: float) -> Page:
    """Without the messages that were not begun."""
    why = "not needed any more"
    dropped = (replace(one, fate="dropped", at=now, why=why) if one.fate == "waiting" else one for one in page.sends)
    return replace(page, sends=tuple(dropped))


def _told(page: Page, event: str, now: float, plans: Iterable[Plan]) -> Page:
    """Other systems that were told are told that too."""
    return _planned(page, 0, page.round, now, [replace(plan, event=event) for plan in plans])


def _put(page: Page, send: Send) -> Page:
    return replace(page, sends=(*page.sends[: send.number - 1], send, *page.sends[send.number :]))


def length(seconds: float) -> str:
    """A length of time for people: ``1 h 30 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    said = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else ""]
    return " ".join(filter(None, said)) or "0 s"
