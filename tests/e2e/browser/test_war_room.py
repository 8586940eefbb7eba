"""The scene as people in the room see it: the card that moves, the graph, the new pattern, the way back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.browser.conftest import sign_in
from tests.e2e.browser.test_room import card, type_line
from tests.e2e.mesh import Mesh
from tests.e2e.war_room import BAD, GOOD, MISMATCH, failed, id_in

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(300)]

SOON = 60_000
"""Milliseconds in which a deploy gets to its end."""


@pytest.fixture
def page(chromium: Browser, own_mesh: Mesh) -> Iterator[Page]:
    """The room of a mesh with its own small production; any error on it fails the test."""
    own_mesh.practice = False
    own_mesh.start()
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    wrong: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    sign_in(page, own_mesh, "owner")
    yield page
    context.close()
    assert not wrong


def test_a_bad_deploy_is_seen_on_its_card(page: Page, own_mesh: Mesh) -> None:
    """The error rate rises, the gate trips, all is as before; the graph and the new pattern hang below. Then the good one."""
    type_line(page, BAD)
    bad = card(page, "deploy shop v2 ")
    expect(bad.locator(".chip").first).to_have_text("running")
    expect(bad.locator(".progress-text")).to_contain_text("stage 1 of 3, 20 %")
    rate = bad.locator("tr", has=page.locator("td", has_text="v2")).locator("td").nth(3)
    expect(rate).to_have_text(re.compile(r"^[1-9]"), timeout=SOON)
    expect(bad.locator(".chip").first).to_have_text("failed", timeout=SOON)
    cause = bad.locator(".cause")
    expect(cause).to_contain_text("rolled back")
    expect(cause).to_contain_text("gate errors<5%")
    below_it_stand_the_graph_and_the_new_pattern(page, bad)

    one_backend_rests(page)
    type_line(page, GOOD)
    expect(card(page, "deploy shop v2.1").locator(".chip")).to_have_text("done", timeout=SOON)
    type_line(page, "deploy status")
    expect(card(page, "deploy status").locator("tbody tr td:nth-child(3)")).to_have_text(["v2.1"])
    lines = page.locator(".room .card .head .line").all_inner_texts()
    assert [line for line in lines if line.startswith("deploy shop")] == [BAD.replace("errors<5%", '"errors<5%"'), GOOD]
    assert set(failed(own_mesh)) == {("v2", f"500 {MISMATCH}")}


def below_it_stand_the_graph_and_the_new_pattern(page: Page, bad: Locator) -> None:
    """On the same card: a chart that the browser draws, with words for who can't see it; and what v2 says."""
    children = bad.locator(".child")
    expect(children).to_have_count(2)
    expect(children.locator(".chip")).to_have_text(["done", "done"])
    sheet = children.locator(".sheet")
    expect(sheet.locator("svg")).to_contain_text("errors of v2")
    alt = sheet.get_attribute("aria-label") or ""
    deploy = id_in(bad.locator(".cause").inner_text(), "D")
    assert "Errors of v1" in alt
    assert "Errors of v2" in alt
    assert f"Marked: {deploy}" in alt
    expect(children.filter(has_text="logs new shop")).to_contain_text(MISMATCH)
    wide = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert wide, "the page scrolls sideways"


def one_backend_rests(page: Page) -> None:
    """It is drained by hand, and sent requests again."""
    type_line(page, "lb drain web-1")
    expect(card(page, "lb drain").locator(".chip")).to_have_text("done")
    type_line(page, "lb status")
    row = card(page, "lb status").locator("tr", has_text="web-1")
    expect(row).to_contain_text("draining")
    type_line(page, "lb enable web-1")
    expect(card(page, "lb enable").locator(".chip")).to_have_text("done")


def test_what_a_running_deploy_offers_can_be_pressed_again_and_again(page: Page) -> None:
    """Paused, sent on to the next stage, paused there too, and taken back: all by the buttons of its card."""
    type_line(page, "deploy shop v2.1 to sandbox --canary 20,100 --soak 5m")
    shown = card(page, "deploy shop v2.1 ")
    doing, buttons = shown.locator(".progress-text"), shown.locator(".choice")
    expect(buttons).to_have_text(["pause", "promote", "abort"], timeout=SOON)

    for stage in ("stage 1 of 2, 20 %", "stage 2 of 2, 100 %"):
        expect(doing).to_contain_text(stage)
        buttons.filter(has_text="pause").click()
        expect(doing).to_contain_text(f"{stage}: paused")
        expect(buttons).to_have_text(["promote", "abort"])
        if stage.startswith("stage 1"):
            buttons.filter(has_text="promote").click()
    buttons.filter(has_text="abort").click()

    expect(shown.locator(".chip").first).to_have_text("failed", timeout=SOON)
    expect(shown.locator(".cause")).to_contain_text("aborted by")
    expect(buttons).to_have_count(0)
