"""What is remembered of a page: whom it is for, how far its policy has come, and what became of each message."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import orjson

from bellboard.stored import revive

State = Literal["open", "acked", "resolved"]
Fate = Literal["waiting", "sending", "sent", "failed", "uncertain", "dropped"]
Again = Literal["never", "same", "any"]
"""Who may send a message again of which nobody knows whether it was sent: nobody; a later attempt at the same command, since
what it asks for is taken once; or anybody, since the other side takes the same message twice for one."""

CHAT, OUTSIDE, PAGERDUTY = "chat", "outside", "pagerduty"
"""The ways in which a message goes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a policy.

    Attributes:
        notify: ``oncall``, ``next-oncall``, ``all``, ``person:ID``, ``#room`` or ``pagerduty``.
        after: seconds after the step before it began.
    """

    notify: tuple[str, ...]
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Whom to tell, and when.

    Attributes:
        repeat: how often its steps are gone through; ``pause`` is the seconds between its last step and its first.
    """

    name: str
    steps: tuple[Step, ...]
    repeat: int = 1
    pause: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A message that a step is to send.

    Attributes:
        whom: ids of people; empty for a room as a whole.
        how: `CHAT`, `OUTSIDE` or `PAGERDUTY`.
        to: the id of the room, or by what the person's address is found again; never the address itself.
        label: how, for people, such as ``mailto``.
        event: what it says: "trigger", "acknowledge" or "resolve".
    """

    whom: tuple[str, ...]
    how: str
    to: str
    label: str
    event: str = "trigger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One message, and what became of it. What was ``sending`` is never sent again, unless ``again`` says so.

    Attributes:
        number: from 1, unique within the page.
        round, step: whose it is, from 0 and from 1; the step is 0 for a reminder.
        fate: ``waiting`` to be sent at ``due``, ``sending``, ``sent``, ``failed`` (certainly not sent), ``uncertain``
            (nobody knows), or ``dropped`` because it was not needed any more.
        tries: how often it was begun; ``at`` is when its fate last changed.
        owner, attempt: the command that sends it, and which attempt at that.
    """

    number: int
    round: int
    step: int
    plan: Plan
    fate: Fate = "waiting"
    due: float = 0.0
    at: float = 0.0
    tries: int = 0
    why: str = ""
    owner: str = ""
    attempt: int = 0
    again: Again = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. Times are seconds since 1970.

    Attributes:
        target: the team or person that was paged; ``team`` and ``person`` say which, the other is empty.
        about: the id of the alert behind it, such as A3; empty without one.
        room: where people are mentioned.
        by: who paged; empty for a bot.
        step, round: the step that begins next, from 1, and its round, from 0; ``due`` is when, and None if none does.
        until: until when it is put off; 0 if it is not.
        cards: the ids of the cards that show it, the newest last.
        story: what people did with it, each with its moment.
    """

    id: str
    target: str
    team: str
    person: str
    why: str
    about: str
    room: str
    by: str
    at: float
    policy: Policy
    state: State = "open"
    step: int = 1
    round: int = 0
    due: float | None = None
    until: float = 0.0
    acked_by: str = ""
    acked_at: float = 0.0
    resolved_by: str = ""
    resolved_at: float = 0.0
    sends: tuple[Send, ...] = ()
    cards: tuple[str, ...] = ()
    story: tuple[tuple[float, str], ...] = field(default=())

    def send(self, number: int) -> Send:
        """The message of a number."""
        return self.sends[number - 1]

    @property
    def told(self) -> tuple[str, ...]:
        """The ids of everybody that a message was begun for, in order."""
        begun = (send for send in self.sends if send.fate in ("sending", "sent", "uncertain"))
        return tuple(dict.fromkeys(person for send in begun for person in send.plan.whom))


def dump(page: Page) -> bytes:
    """As it is kept."""
    return orjson.dumps(asdict(page))


def load(value: bytes) -> Page:
    """As it was kept."""
    said: dict[str, Any] = orjson.loads(value)
    policy = said["policy"]
    steps = tuple(revive(Step, {**step, "notify": tuple(step["notify"])}) for step in policy["steps"])
    said["policy"] = revive(Policy, {**policy, "steps": steps})
    said["sends"] = tuple(_send(one) for one in said["sends"])
    said["cards"] = tuple(said["cards"])
    said["story"] = tuple((at, words) for at, words in said["story"])
    return revive(Page, said)


def _send(said: dict[str, Any]) -> Send:
    plan = said["plan"]
    return revive(Send, {**said, "plan": revive(Plan, {**plan, "whom": tuple(plan["whom"])})})
