"""Cards on which somebody must decide: by buttons, with the mouse and by keyboard."""

from __future__ import annotations

import re

import pytest
import yaml
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser.conftest import Tab
from tests.e2e.browser.test_room import card, type_line, unique
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]

LEASE = 60_000
"""Milliseconds in which a worker that was killed is known to be lost."""


def asked(asker: Page, *watchers: Page) -> list[Locator]:
    """A fire that waits for approval: its card on every page."""
    line = f"practice fire {unique('f')}"
    type_line(asker, line)
    cards = [card(page, line) for page in (asker, *watchers)]
    for one in cards:
        expect(one.locator(".chip")).to_have_text("needs approval")
        expect(one.locator(".reason")).to_have_text("Waits for approval by sre")
    return cards


def effects(mesh: Mesh, shown: Locator) -> list[str]:
    """What the command of a card did to the world."""
    id = shown.get_attribute("data-command")
    assert id
    done = mesh.effects.read_text().splitlines() if mesh.effects.exists() else []
    return [line.split(" ")[1] for line in done if line.startswith(id)]


def test_a_card_links_to_its_trace(tab: Tab) -> None:
    """Where the gateway was told where traces are looked at; in a window of its own, which learns nothing of this one."""
    page = tab("owner")
    line = f"practice look {unique('t')}"
    type_line(page, line)
    trace = card(page, line).locator("footer a.trace")

    id = (trace.get_attribute("title") or "").removeprefix("trace ")
    assert re.fullmatch(r"[0-9a-f]{32}", id)
    expect(trace).to_have_text(f"trace {id[:8]}")
    expect(trace).to_have_attribute("href", f"https://traces.example.com/trace/{id}")
    expect(trace).to_have_attribute("rel", "noopener noreferrer")


def test_somebody_else_approves_by_a_button_and_it_runs(tab: Tab, house: Mesh) -> None:
    """Whoever asked has no such button, and may not by a line either; then another one presses it, and it runs once."""
    cy, dee = tab("cy"), tab("dee")
    own, others = asked(cy, dee)

    expect(own.locator(".deed")).to_have_text(["Cancel"])
    id = own.get_attribute("data-command") or ""
    type_line(cy, f"approve {id}")
    refused = cy.locator(".card", has_text="you asked for").last
    expect(refused.locator(".chip")).to_have_text("failed")
    expect(refused).to_contain_text("someone else in sre must approve it")
    expect(own.locator(".chip")).to_have_text("needs approval")
    assert effects(house, own) == []

    others.get_by_role("button", name="Approve").dblclick()
    for shown in (own, others):
        expect(shown.locator(".chip")).to_have_text("done")
        expect(shown.locator(".deed")).to_have_count(0)
    expect(dee.locator(".card .head .line", has_text=re.compile(f"^approve {id[:8]}$"))).to_have_count(1)
    assert effects(house, own) == ["fire"]


def test_whoever_asked_may_withdraw_it(tab: Tab, house: Mesh) -> None:
    """While it waits; it is cancelled, and can't be approved any more."""
    cy, dee = tab("cy"), tab("dee")
    own, others = asked(cy, dee)

    own.get_by_role("button", name="Cancel").click()

    for shown in (own, others):
        expect(shown.locator(".chip")).to_have_text("cancelled")
        expect(shown.locator(".deed")).to_have_count(0)
    assert effects(house, own) == []


def test_a_command_is_rejected_by_a_button_and_never_runs(tab: Tab, house: Mesh) -> None:
    """Its card says by whom."""
    cy, dee = tab("cy"), tab("dee")
    own, others = asked(cy, dee)

    others.get_by_role("button", name="Reject").click()

    for shown in (own, others):
        expect(shown.locator(".chip")).to_have_text("rejected")
        expect(shown.locator(".reason")).to_have_text("Rejected by dee")
        expect(shown.locator(".deed")).to_have_count(0)
    assert effects(house, own) == []


def test_approval_needs_no_mouse(tab: Tab, house: Mesh) -> None:
    """From the card's time Tab goes to its buttons, and Enter presses the one that has the focus."""
    cy, dee = tab("cy"), tab("dee")
    own, others = asked(cy, dee)
    approve, reject = (others.get_by_role("button", name=name) for name in ("Approve", "Reject"))

    others.locator("header a").focus()
    dee.keyboard.press("Tab")
    expect(approve).to_be_focused()
    dee.keyboard.press("Tab")
    expect(reject).to_be_focused()
    dee.keyboard.press("Shift+Tab")
    dee.keyboard.press("Enter")

    expect(own.locator(".chip")).to_have_text("done")
    assert effects(house, own) == ["fire"]


def test_what_became_of_an_unknown_command_is_said_by_a_button(tab: Tab, house: Mesh) -> None:
    """Its worker was killed in the middle. Not everybody may say it; who may is named on the card."""
    owner, bo = tab(), tab("bo")
    label = unique("f")
    type_line(owner, f"practice fire {label} --wait 30s")
    own, others = (card(page, f"practice fire {label}") for page in (owner, bo))
    expect(own.locator(".chip")).to_have_text("running")

    house.kill("practice")
    for shown in (own, others):
        expect(shown.locator(".chip")).to_have_text("unknown", timeout=LEASE)
        expect(shown.locator(".reason")).to_contain_text("not run again")
    others.get_by_role("button", name="It happened").click()
    expect(bo.locator(".card", has_text="you may not touch").last.locator(".chip")).to_have_text("failed")
    expect(own.locator(".chip")).to_have_text("unknown")
    own.get_by_role("button", name="It did not happen").click()

    for shown in (own, others):
        expect(shown.locator(".chip")).to_have_text("failed")
        expect(shown.locator(".reason")).to_contain_text("it did not happen")
        expect(shown.locator(".reason")).to_contain_text(f"Resolved by {owner_of(house)}")
        expect(shown.locator(".deed")).to_have_count(0)
    assert effects(house, own) == []


def owner_of(mesh: Mesh) -> str:
    """The owner's id."""
    people = yaml.safe_load((mesh.data / "people.yaml").read_text())["people"]
    return str(people[0]["id"])
