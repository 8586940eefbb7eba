"""A room that rehearses says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.browser.conftest import Tab
from tests.e2e.browser.test_room import type_line

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]


def test_the_head_says_that_the_room_rehearses(tab: Tab) -> None:
    """To everybody who looks at it, at once; and no more when it is over."""
    owner, bo = tab(), tab("bo")
    expect(bo.locator(".rehearsing")).to_have_count(0)
    type_line(owner, "rehearse on")
    try:
        expect(bo.locator(".room-head .rehearsing")).to_have_text("rehearsing: runs against the sandbox")
        bo.reload()
        expect(bo.locator(".room-head .rehearsing")).to_be_visible()
    finally:
        type_line(owner, "rehearse off")
    for page in (owner, bo):
        expect(page.locator(".rehearsing")).to_have_count(0)
