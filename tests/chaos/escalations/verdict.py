"""What must hold of escalations whose processes were killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from bellboard_oncall.pages.model import CHAT, Page, Send

from .ground import Escalation, rows, shown

STEPS = {1: ("#ops", "json"), 2: ("#ops", "mailto"), 3: ("#ops", "json", "json", "xml")}
"""How each step tells its people."""

STATES = {"sent": "sent", "failed": "FAILED", "uncertain": "UNCERTAIN"}
"""The fates of messages at the end, as the card says them."""


def judge(one: Escalation, page: Page, taken: Mapping[tuple[str, str], int], mentions: int) -> Iterator[str]:
    """What did not hold, in words: against the world outside, the ledger, and the page's own card."""
    planned = {step: tuple(sorted(send.plan.label for send in page.sends if send.step == step)) for step in STEPS}
    if planned != STEPS or len(page.sends) != sum(len(labels) for labels in STEPS.values()):
        yield f"{page.id}: its steps told {planned}, and not {STEPS}"
    for send in page.sends:
        if send.fate not in STATES:
            yield f"{page.id}: {send.plan.label} of step {send.step} stands at {send.fate}"
        elif send.fate == "failed" and send.plan.label != "xml":
            yield f"{page.id}: {send.plan.label} of step {send.step} failed: {send.why}"
    for address, sends in _addresses(page).items():
        count, sure = taken.get((page.id, address), 0), sum(send.fate == "sent" for send in sends)
        if not sure <= count <= len(sends):
            yield f"{page.id}: {address} was told {count} times, and the page says {[send.fate for send in sends]}"
    chats = [send.fate for send in page.sends if send.plan.how == CHAT]
    if not chats.count("sent") <= mentions <= len(chats):
        yield f"{page.id}: it was shown {mentions} times in the room, and the page says {chats}"
    yield from behind(one, page)


def _addresses(page: Page) -> Mapping[str, list[Send]]:
    """The messages by where they went; cy's two addresses have the same count, whichever is which."""
    found: dict[str, list[Send]] = {"/ann": [], "mail": []}
    for send in page.sends:
        if send.plan.label == "json" and send.step == 1:
            found["/ann"].append(send)
        elif send.plan.label == "mailto":
            found["mail"].append(send)
    return found


def twice(taken: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """What the world outside heard more than once."""
    yield from (f"{page}: {address} was told {count} times" for (page, address), count in taken.items() if count > 1)


def second(page: Page, taken: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """The two addresses of the last step, counted together."""
    sends = [send for send in page.sends if send.step == 3 and send.plan.label == "json"]
    count = taken.get((page.id, "/cy"), 0) + taken.get((page.id, "/cy2"), 0)
    if not sum(send.fate == "sent" for send in sends) <= count <= len(sends):
        yield f"{page.id}: cy was told {count} times, and the page says {[send.fate for send in sends]}"


def behind(one: Escalation, page: Page) -> Iterator[str]:
    """The card says of each message what became of it, and that it is uncertain where it is."""
    said = Counter(row.cells[3].text for row in rows(one.card))
    told = Counter(STATES.get(send.fate, send.fate) for send in page.sends)
    if said != told:
        yield f"{page.id}: its card says {dict(said)}, and the page {dict(told)}"
    if ("UNCERTAIN" in shown(one.card)) != bool(told["UNCERTAIN"]):
        yield f"{page.id}: its card does not say what is uncertain"
