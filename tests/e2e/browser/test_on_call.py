"""The whole story, as the room sees it: an alert, a page, an ack, a graph, a rollback, the end, and the post-mortem."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.browser.conftest import sign_in
from tests.e2e.browser.test_room import card, type_line
from tests.e2e.mesh import Mesh
from tests.e2e.war_room import id_in

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(400)]

SOON = 60_000
"""Milliseconds in which something from outside, or a deploy, gets to its end."""

TITLE = "nobody can pay | <b>really</b>"


@pytest.fixture
def page(chromium: Browser, own_mesh: Mesh) -> Iterator[Page]:
    """The room "ops" of a mesh with its own small production; any error on it fails the test."""
    own_mesh.practice = False
    own_mesh.start()
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(SOON)
    wrong: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    sign_in(page, own_mesh, "owner")
    page.goto(f"{own_mesh.url}/#ops")
    expect(page.locator(".window[aria-current]")).to_have_attribute("href", "#ops")
    yield page
    context.close()
    assert not wrong


def alertmanager_says(mesh: Mesh, status: str, since: datetime) -> None:
    """Post what an Alertmanager would, to the address that `bell hooks` shows."""
    hooks = json.loads(mesh.bell("hooks", "--json").stdout)
    address = next(hook["address"] for hook in hooks if hook["name"] == "alertmanager")
    labels = {"alertname": "TooManyErrors", "app": "shop", "env": "sandbox", "severity": "critical"}
    ends = datetime.now(UTC).isoformat() if status == "resolved" else "0001-01-01T00:00:00Z"
    alert = {
        "status": status,
        "labels": labels,
        "annotations": {"summary": "a quarter of all payments fails"},
        "startsAt": since.isoformat(),
        "endsAt": ends,
        "fingerprint": "c0ffee",
    }
    body = {
        "version": "4",
        "groupKey": '{}:{alertname="TooManyErrors"}',
        "status": status,
        "receiver": "bellboard",
        "groupLabels": {"alertname": "TooManyErrors"},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": [alert],
    }
    with urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode())) as answer:
        assert answer.status == 202


def press(shown: Locator, label: str) -> None:
    """Press a button of a card."""
    shown.locator(".choice", has_text=label).first.click()


def done(page: Page, line: str) -> Locator:
    """The newest card of a line that is done."""
    shown = card(page, line).last
    expect(shown).to_have_attribute("data-state", "STATE_SUCCEEDED", timeout=SOON)
    return shown


def document_of(page: Page, line: str) -> str:
    """The Markdown on a card, once it has come."""
    code = card(page, line).last.locator(".code code")
    expect(code).to_contain_text("# I1:", timeout=SOON)
    return code.last.inner_text()


def cells(document: str, section: str) -> list[list[str]]:
    """The rows of the table below a heading, as a Markdown parser reads them."""
    own = document.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(own)
    rows: list[list[str]] = []
    for before, token in pairwise(tokens):
        if before.type == "tr_open":
            rows.append([])
        if before.type in ("td_open", "th_open"):
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows[1:]


def test_from_the_alert_to_the_post_mortem(page: Page, own_mesh: Mesh) -> None:
    """Everything is done in the room; the document holds all of it, and a Markdown parser reads it back."""
    type_line(page, "deploy shop v2.1 to sandbox --canary 100 --soak 1s")
    bad = id_in(done(page, "deploy shop v2.1").inner_text(), "D")
    since = datetime.now(UTC)
    alertmanager_says(own_mesh, "firing", since)
    alert = card(page, "alert show A1")
    expect(alert).to_contain_text("a quarter of all payments fails", timeout=SOON)
    expect(alert).to_contain_text(f"after {bad} by")
    somebody_takes_it(page)
    incident_is_worked_on(page, alert)
    alertmanager_says(own_mesh, "resolved", since)
    expect(alert).to_contain_text("over", timeout=SOON)
    expect(paged_card(page)).to_contain_text("resolved", timeout=SOON)
    type_line(page, "incident close v1 is back")
    press(done(page, "incident close"), "Export")
    the_document_is_right(document_of(page, "incident export I1"), own_mesh, bad)


def paged_card(page: Page) -> Locator:
    """The card of the page."""
    return card(page, "page show P1").or_(card(page, "page step P1")).first


def somebody_takes_it(page: Page) -> None:
    """The page goes to whoever is on call; one press, and everybody sees who it is."""
    paged = paged_card(page)
    expect(paged).to_contain_text("nobody is on it", timeout=SOON)
    press(paged, "Ack")
    done(page, "ack P1")
    expect(paged).to_contain_text("is on it", timeout=SOON)


def incident_is_worked_on(page: Page, alert: Locator) -> None:
    """Opened, looked at, rolled back: by the buttons of the alert's card."""
    type_line(page, f'incident open "{TITLE}" --severity 1')
    opened = card(page, "incident open")
    expect(opened).to_contain_text(f"I1: {TITLE}", timeout=SOON)
    type_line(page, "looks like the deploy | to me")
    press(alert, "Graph")
    expect(done(page, "graph errors shop").locator(".sheet svg")).to_be_visible(timeout=SOON)
    type_line(page, "note going back to v1")
    done(page, "incident note")
    expect(opened).to_contain_text("1 note", timeout=SOON)
    press(alert, "Roll back shop")
    done(page, "rollback shop")


def the_document_is_right(written: str, mesh: Mesh, bad: str) -> None:
    """Front matter, and the timeline from the deploy to the end, with links to the cards of this room."""
    head, _, body = written.partition("\n---\n")
    facts: dict[str, Any] = yaml.safe_load(head.removeprefix("---\n"))
    assert (facts["id"], facts["title"], facts["severity"], facts["state"]) == ("I1", TITLE, 1, "closed")
    assert facts["on_call"]
    told = cells(body, "Timeline")
    assert all(len(row) == 6 for row in told)
    whats = [row[1] for row in told]
    wanted = ["deploy", "alert", "page", "opened", "talk", "graph", "note", "deploy", "closed"]
    left = iter(whats)
    assert all(what in left for what in wanted), whats
    words = [row[3] for row in told]
    assert "looks like the deploy | to me" in words
    assert any(re.match("rollback shop", word) for word in words)
    assert any(row[0] == bad for row in cells(body, "Deploys"))
    assert {row[0] for row in cells(body, "Alerts and pages")} >= {"A1", "P1"}
    assert f"]({mesh.url}/#ops/" in body
    assert "![G1: " in body
    assert "## What is missing here" not in body
