"""Pipes and rehearsals, as people see them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.browser.conftest import Tab
from tests.e2e.browser.test_room import card, type_line, unique

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_pipe_is_one_card(tab: Tab) -> None:
    """The last stage is shown, the one before it is named and folded; a stage that fails says which it was."""
    page = tab()
    type_line(page, "practice list 4 | practice total")
    shown = card(page, "practice list 4 | practice total")
    expect(shown.locator(".head .chip")).to_have_text("done")
    expect(shown.locator(".newest")).to_contain_text("10 in 4 rows")
    expect(shown.locator("summary")).to_contain_text("Stage 1")
    expect(shown.locator("details table")).to_be_hidden()
    shown.locator("summary").click()
    expect(shown.locator("details table")).to_be_visible()

    word = unique("w")
    type_line(page, f"practice look {word} | practice total")
    failed = card(page, f"practice look {word} | practice total")
    expect(failed.locator(".head .chip")).to_have_text("denied")
    expect(failed).to_contain_text("The pipe ended at stage 2 of 2")


def test_a_rehearsal_is_plainly_marked(tab: Tab) -> None:
    """On the card, for who sees and who hears it."""
    page = tab()
    line = f"practice look {unique('w')}"
    type_line(page, f"{line} --sandbox")
    shown = card(page, line)
    expect(shown.locator(".head .rehearsal")).to_have_text("rehearsal")
    expect(shown.locator(".head .chip")).to_have_text("done")
