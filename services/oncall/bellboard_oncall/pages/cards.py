"""What people see of pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bellboard import Block, choice, question, table, text
from bellboard.replies import BAD, GOOD, PLAIN, WARNING, Value

from ..rota import Rota
from . import engine
from .model import CHAT, Page, Plan, Policy, Send

SHOWN = 30
"""Messages that a card shows, the newest."""

FATES = {
    "waiting": "to be sent",
    "sending": "being sent",
    "sent": "sent",
    "failed": "FAILED",
    "uncertain": "UNCERTAIN",
    "dropped": "not needed",
}


def show(page: Page, rota: Rota, *, mention: Sequence[str] = ()) -> list[Block]:
    """A page: why, who is on it, who was told how, and what comes next.

    Args:
        mention: whose attention is asked for.
    """
    tone = {"open": BAD, "acked": WARNING, "resolved": GOOD}[page.state]
    names = f" {', '.join(f'@{name(rota, one)}' for one in mention)}" if mention else ""
    about = f" ({page.about})" if page.about else ""
    blocks = [text(f"{page.id} for {page.target}{about}: {page.why}{names}", tone=tone, mentions=mention)]
    blocks.append(text(_stands(page, rota)))
    if doubtful := sum(send.fate == "uncertain" for send in page.sends):
        words = "1 message is" if doubtful == 1 else f"{doubtful} messages are"
        blocks.append(text(f"{words} UNCERTAIN: nobody knows whether it arrived, and it is not sent again", tone=WARNING))
    rows = [_row(send, rota) for send in page.sends[-SHOWN:]] + _next(page)
    if rows:
        blocks.append(table(["step", "whom", "how", "state", "when", "why"], rows, title="who was told"))
    if page.story:
        lines = [(_time(at), _named(words, page, rota)) for at, words in page.story]
        blocks.append(table(["when", "what"], lines, title="what happened"))
    if page.state != "resolved":
        blocks.append(_buttons(page))
    return blocks


def mentioned(page: Page, room: str) -> tuple[str, ...]:
    """Whose attention the newest card of a page in a room asks for."""
    if page.state == "resolved":
        return ()
    chats = [send.plan for send in page.sends if send.plan.how == CHAT and send.plan.to == room]
    return chats[-1].whom if chats else ()


def name(rota: Rota, person: str) -> str:
    """A person as people call them."""
    found = rota.people.get(person)
    return found.name if found else person


def _stands(page: Page, rota: Rota) -> str:
    """How it stands, in a sentence."""
    if page.state == "resolved":
        return f"resolved by {name(rota, page.resolved_by) or 'a bot'}"
    if page.state == "acked":
        return f"{name(rota, page.acked_by)} is on it"
    if page.until:
        return "nobody is on it; it was put off"
    if page.due is None and page.sends:
        return f"nobody is on it, and {'everybody' if page.told else 'nobody'} was told: its policy has no further step"
    return "nobody is on it yet"


def _row(send: Send, rota: Rota) -> list[Value]:
    whom = ", ".join(name(rota, one) for one in send.plan.whom) or "the room" * (send.plan.how == CHAT)
    step = str(send.step) if send.step else send.plan.event.replace("trigger", "reminder")
    if send.round and send.step:
        step += f" (round {send.round + 1})"
    why = send.why + (
        f" (try {send.tries} of {engine.TRIES})" if send.tries > 1 or (send.fate == "waiting" and send.tries) else ""
    )
    when = send.due if send.fate == "waiting" else send.at
    return [step, whom, send.plan.label, FATES[send.fate], _time(when), why]


def _next(page: Page) -> list[list[Value]]:
    """The step that begins next, as a row."""
    if page.state != "open" or page.due is None:
        return []
    whom = ", ".join(page.policy.steps[page.step - 1].notify)
    again = f" (round {page.round + 1})" if page.round else ""
    return [[f"{page.step}{again}", whom, "", "next", _time(page.due), ""]]


def _named(words: str, page: Page, rota: Rota) -> str:
    for person in {page.acked_by, page.resolved_by, *page.told} - {""}:
        if (called := name(rota, person)) != person:
            words = words.replace(f"{person} is on it", f"{called} is on it").replace(f"by {person}", f"by {called}")
    return words


def _buttons(page: Page) -> Block:
    acks = [choice("Ack", f"ack {page.id}", tone=GOOD)] if page.state == "open" else []
    return question(
        "Will you take it?" if acks else "What now?",
        *acks,
        choice("Snooze 30 min", f"snooze {page.id} for 30m"),
        choice("Escalate", f"escalate {page.id}"),
        choice("Resolve", f"page resolve {page.id}", tone=PLAIN),
    )


def preview(target: str, policy: Policy, told: Iterable[tuple[int, Plan]], rota: Rota) -> list[Block]:
    """What a page would do."""
    rows: list[list[Value]] = []
    for number, plan in told:
        after = sum(step.after for step in policy.steps[:number])
        whom = ", ".join(name(rota, one) for one in plan.whom) or "the room" * (plan.how == CHAT)
        rows.append([str(number), f"after {engine.length(after)}" if after else "at once", whom, plan.label])
    again = f"; {policy.repeat} times" if policy.repeat > 1 else ""
    return [
        table(
            ["step", "when", "whom", "how"], rows, title=f"{target} would be paged by {policy.name}{again}; nothing is sent yet"
        )
    ]


def listed(pages: Sequence[Page], rota: Rota) -> Block:
    """Pages as a table, the newest first."""
    rows: list[list[Value]] = []
    for page in reversed(pages):
        who = name(rota, page.acked_by or page.resolved_by)
        rows.append([page.id, page.target, page.why[:120], page.state, who, _time(page.at), page.about])
    return table(["id", "for", "why", "state", "who", "since", "about"], rows, title="pages")


def which(pages: Sequence[Page], verb: str) -> Block:
    """Which page is meant."""
    return question("Which page?", *(choice(f"{page.id}: {page.why[:40]}", f"{verb} {page.id}") for page in pages[-8:]))


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
