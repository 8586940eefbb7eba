"""Policies, contacts and notifiers, as they stand in oncall.yaml."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from bellboard.grammar.durations import read_duration

from ..given import Given
from .model import OUTSIDE, PAGERDUTY, Plan, Policy, Step

DEFAULT = "default"
NOBODY_SAID = Policy(
    name=DEFAULT,
    steps=(
        Step(notify=("oncall",)),
        Step(notify=("oncall",), after=300.0),
        Step(notify=("all",), after=600.0),
    ),
)
"""Without a policy: whoever is on call at once, again after 5 minutes, and everybody of the rota after 15."""

MOST_STEPS, MOST_TARGETS, MOST_ROUNDS, LONGEST = 20, 20, 10, 86400.0
EVENTS = "https://events.pagerduty.com/v2/enqueue"

_WORDS = ("oncall", "next-oncall", "all", PAGERDUTY)
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9]{1,31}://\S+")


@dataclass(frozen=True, slots=True)
class Contacts:
    """The addresses of people outside the room. They are secrets: nothing but `address` gives one away.

    Attributes:
        urls: of each person, as apprise takes them.
    """

    urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def ways(self, person: str) -> tuple[Plan, ...]:
        """The ways to reach a person outside the room."""
        return tuple(
            Plan(whom=(person,), how=OUTSIDE, to=_digest(url), label=url.partition("://")[0].lower())
            for url in self.urls.get(person, ())
        )

    def address(self, plan: Plan) -> str:
        """The address that a plan stands for; empty if it is not in the file any more."""
        known = (url for person in plan.whom for url in self.urls.get(person, ()))
        return next((url for url in known if _digest(url) == plan.to), "")


@dataclass(frozen=True, slots=True)
class Events:
    """Where PagerDuty takes events. An empty ``key``: nowhere."""

    key: str = field(default="", repr=False)
    url: str = EVENTS


def read_policies(given: Given | None, people: Collection[str] = ()) -> Mapping[str, Policy]:
    """The policies by name; there always is one named "default".

    Args:
        people: the ids there are; empty if that is not known, and then nobody is checked.

    Raises:
        SettingsError: one is wrong; it names the line.
    """
    found = {DEFAULT: NOBODY_SAID}
    for name, one in (given.mapping() if given is not None else {}).items():
        said = one.mapping("steps", "repeat", "pause")
        if "steps" not in said or not (steps := said["steps"].items()) or len(steps) > MOST_STEPS:
            raise one.wrong(
                f"{name[:60]} has no steps, or more than {MOST_STEPS}", hint="steps: [{notify: [oncall], after: 0s}]"
            )
        found[name] = Policy(
            name=name,
            steps=tuple(_step(step, people) for step in steps),
            repeat=_count(said["repeat"]) if "repeat" in said else 1,
            pause=_seconds(said["pause"]) if "pause" in said else 300.0,
        )
    return found


def _step(given: Given, people: Collection[str]) -> Step:
    said = given.mapping("notify", "after")
    if "notify" not in said or not (targets := said["notify"].items()) or len(targets) > MOST_TARGETS:
        raise given.wrong(f"here should be whom to notify, {MOST_TARGETS} at most", hint="notify: [oncall]")
    notify = tuple(dict.fromkeys(_target(target, people) for target in targets))
    return Step(notify=notify, after=_seconds(said["after"]) if "after" in said else 0.0)


def _target(given: Given, people: Collection[str]) -> str:
    word = given.text()
    kind, _, name = word.partition(":")
    if kind == "person" and name:
        if people and name not in people:
            raise given.wrong(f"there is nobody “{name[:60]}”", hint="people stand in the people file, by their id")
        return word
    if word not in _WORDS and not (word.startswith("#") and len(word) > 1):
        raise given.wrong(f"“{word[:60]}” can't be notified", hint=f'{", ".join(_WORDS)}, person:ID or "#room"')
    return word


def _seconds(given: Given) -> float:
    word = given.text()
    span = read_duration(word)
    if span is None:
        raise given.wrong(f"“{word[:20]}” is no length of time", hint="such as 0s, 5m or 1h")
    if span.seconds > LONGEST:
        raise given.wrong("that is longer than a day")
    return span.seconds + span.nanos / 1e9


def _count(given: Given) -> int:
    word = given.text()
    if not word.isdecimal() or not 1 <= int(word[:9]) <= MOST_ROUNDS:
        raise given.wrong(f"here should be a number from 1 to {MOST_ROUNDS}")
    return int(word)


def read_contacts(given: Given | None, people: Collection[str] = ()) -> Contacts:
    """How people are reached outside the room: ``{ann: {urls: [...]}, bo: {urls_file: /run/secrets/bo}}``, one address a line.

    Raises:
        SettingsError: one is wrong; it names the line, and never shows an address.
    """
    found = {}
    for person, one in (given.mapping() if given is not None else {}).items():
        if people and person not in people:
            raise one.wrong(f"there is nobody “{person[:60]}”", hint="people stand in the people file, by their id")
        said = one.mapping("urls", "urls_file")
        urls = [item.text() for item in said["urls"].items()] if "urls" in said else []
        if "urls_file" in said:
            urls += _secret(said["urls_file"]).split()
        if not urls or not all(_URL.fullmatch(url) for url in urls):
            raise one.wrong("here should be addresses as apprise takes them", hint="urls: [mailto://…]; or urls_file: /path")
        found[person] = tuple(dict.fromkeys(urls))
    return Contacts(found)


def read_notifiers(given: Given | None) -> Events:
    """Other systems that can be told: ``{pagerduty: {routing_key_file: /run/secrets/pagerduty}}``.

    Raises:
        SettingsError: it is wrong; it names the line.
    """
    said = given.mapping(PAGERDUTY) if given is not None else {}
    if PAGERDUTY not in said:
        return Events()
    entry = said[PAGERDUTY].mapping("routing_key", "routing_key_file", "url")
    key = entry["routing_key"].text() if "routing_key" in entry else ""
    if "routing_key_file" in entry:
        key = _secret(entry["routing_key_file"]).strip()
    url = entry["url"].text() if "url" in entry else EVENTS
    if not key:
        raise said[PAGERDUTY].wrong("here should be a routing key", hint="routing_key_file: /path")
    if not url.startswith(("https://", "http://")):
        raise entry["url"].wrong("here should be an http address")
    return Events(key, url)


def _secret(given: Given) -> str:
    """What stands in a file that holds a secret."""
    path = Path(given.text())
    try:
        return path.read_text(encoding="utf-8")[:65536]
    except (OSError, ValueError):
        raise given.wrong(f"{path.name[:60]} can't be read") from None


def _digest(url: str) -> str:
    return blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
