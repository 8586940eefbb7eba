"""Policies, contacts and notifiers in oncall.yaml: what is wrong is refused with file and line, and no secret is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bellboard import SettingsError
from bellboard_oncall.given import Given, parse
from bellboard_oncall.pages.model import Step
from bellboard_oncall.pages.policy import NOBODY_SAID, read_contacts, read_notifiers, read_policies

PEOPLE = ("ann", "bo")


def given(text: str) -> Given:
    """A part of a file, from its third line on."""
    found = parse(f"# one\n# two\n{text}", "oncall.yaml")
    assert found is not None
    return found


def refused(read: Callable[..., Any], text: str, *people: tuple[str, ...]) -> str:
    """What is said of it."""
    with pytest.raises(SettingsError) as caught:
        read(given(text), *people)
    return str(caught.value)


def test_a_policy_is_read() -> None:
    """Whom, when, how often."""
    text = """night:
  steps:
    - {notify: [oncall, "#payments", "person:bo"]}
    - {notify: all, after: 1m30s}
  repeat: 2
  pause: 10m
"""
    policy = read_policies(given(text), PEOPLE)["night"]
    assert policy.steps == (Step(notify=("oncall", "#payments", "person:bo")), Step(notify=("all",), after=90.0))
    assert (policy.repeat, policy.pause) == (2, 600.0)


def test_without_any_there_is_the_default() -> None:
    """At once, again after 5 minutes, everybody after 15."""
    assert read_policies(None, PEOPLE) == {"default": NOBODY_SAID}
    assert [(step.notify, step.after) for step in NOBODY_SAID.steps] == [
        (("oncall",), 0.0),
        (("oncall",), 300.0),
        (("all",), 600.0),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("night: {}", "oncall.yaml, line 3: night has no steps"),
        ("night: {steps: []}", "oncall.yaml, line 3: night has no steps"),
        ("night: [oncall]", "oncall.yaml, line 3: here should be keys with values"),
        ("night:\n  steps:\n    - {after: 5m}", "oncall.yaml, line 5: here should be whom to notify"),
        ("night:\n  steps:\n    - {notify: [oncal]}", "oncall.yaml, line 5: “oncal” can't be notified"),
        ('night:\n  steps:\n    - {notify: ["person:cy"]}', "oncall.yaml, line 5: there is nobody “cy”"),
        ("night:\n  steps:\n    - {notify: [oncall], after: soon}", "oncall.yaml, line 5: “soon” is no length of time"),
        ("night:\n  steps:\n    - {notify: [oncall], after: 2d}", "oncall.yaml, line 5: that is longer than a day"),
        ("night:\n  steps: [{notify: oncall}]\n  repeat: 0", "oncall.yaml, line 5: here should be a number from 1 to 10"),
        ("night:\n  steps: [{notify: oncall}]\n  repeats: 2", "line 5: “repeats” is not known (did you mean repeat?)"),
        ("night:\n  steps: [{notify: oncall}]\nnight:\n  steps: []", "oncall.yaml, line 5: “night” stands there twice"),
    ],
)
def test_a_wrong_policy_is_refused_with_its_line(text: str, said: str) -> None:
    """So nobody finds out at night."""
    assert said in refused(read_policies, text, PEOPLE)


def test_contacts_are_read_and_never_shown(tmp_path: Path) -> None:
    """From the file, or from a file of their own; what is kept of an address does not tell it."""
    own = tmp_path / "bo"
    own.write_text("json://secret-b\nmailto://secret-c\n")
    contacts = read_contacts(given(f"ann: {{urls: [json://secret-a]}}\nbo: {{urls_file: {own}}}"), PEOPLE)

    assert [plan.label for plan in contacts.ways("bo")] == ["json", "mailto"]
    assert [contacts.address(plan) for plan in contacts.ways("bo")] == ["json://secret-b", "mailto://secret-c"]
    assert contacts.ways("cy") == ()
    assert "secret" not in f"{contacts!r} {contacts.ways('ann')!r}"
    assert read_contacts(None).address(contacts.ways("ann")[0]) == "", "an address that is gone is found no more"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cy: {urls: [json://secret]}", "oncall.yaml, line 3: there is nobody “cy”"),
        ("ann: {urls: [secret]}", "oncall.yaml, line 3: here should be addresses"),
        ("ann: {}", "oncall.yaml, line 3: here should be addresses"),
        ("ann:\n  urls_file: /nowhere/secrets", "oncall.yaml, line 4: secrets can't be read"),
        ("ann:\n  url: json://secret", "oncall.yaml, line 4: “url” is not known"),
    ],
)
def test_wrong_contacts_are_refused_with_their_line(text: str, said: str) -> None:
    """Without a word of what they hold."""
    words = refused(read_contacts, text, PEOPLE)
    assert said in words
    assert "json://secret" not in words


def test_pagerduty_wants_a_key() -> None:
    """By itself, or in a file."""
    events = read_notifiers(given("pagerduty: {routing_key: SECRET}"))
    assert (events.key, events.url) == ("SECRET", "https://events.pagerduty.com/v2/enqueue")
    assert "SECRET" not in repr(events)
    assert read_notifiers(None).key == ""
    assert "line 3: here should be a routing key" in refused(read_notifiers, "pagerduty: {}")
    assert "line 3: here should be an http address" in refused(read_notifiers, "pagerduty: {routing_key: K, url: ftp://x}")
    assert "line 3: “opsgenie” is not known" in refused(read_notifiers, "opsgenie: {}")
