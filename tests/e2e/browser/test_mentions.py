"""Mentions, and what helpers offer, as people see them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser.conftest import Tab
from tests.e2e.browser.test_room import card, composer, type_line, unique

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]

RECORD = """
window.told = [];
window.Notification = class {
  static permission = "granted";
  static requestPermission() { window.asked = true; this.permission = "granted"; return Promise.resolve("granted"); }
  constructor(title, options) { this.title = title; window.told.push({ title, ...options }); window.last = this; }
  close() {}
};
"""
"""In place of the browser's notifications, which a test can't see."""


def caught_up(page: Page) -> Page:
    """The page of somebody who has seen all that tests before this one said to them, and looks at the room Play."""
    for room in ("general", "ops", "play"):
        go(page, room)
    expect(page.locator(".window .count")).to_have_count(0)
    return page


def quiet(page: Page, helper: str) -> None:
    """Have a helper keep quiet again, as it was in the room before."""
    type_line(page, f"quiet {helper}")
    expect(card(page, f"quiet {helper}").last.locator(".chip").last).to_have_text("done")


def go(page: Page, room: str) -> None:
    page.evaluate("room => { location.hash = room; }", room)
    expect(page.locator(".window[aria-current]")).to_have_attribute("href", f"#{room}")


def test_people_named_in_talk_are_chips(tab: Tab) -> None:
    """Those who are somebody; one's own stands out."""
    owner, bo = tab(), tab("bo")
    words = unique("look ")
    type_line(owner, f"{words} @bo, and @nobody, not x@bo.org")
    for page, mine in ((owner, False), (bo, True)):
        line = page.locator(".talk:not(.pending) .text", has_text=words)
        expect(line.locator(".mention")).to_have_count(1)
        expect(line.locator(".mention")).to_have_text("@Bo Diaz")
        expect(line.locator(".mention.mine")).to_have_count(int(mine))
        expect(line).to_contain_text("@nobody, not x@bo.org")


def test_a_mention_elsewhere_is_counted_until_it_is_seen(tab: Tab) -> None:
    """In the title and at the room, also after a reload."""
    owner, bo = caught_up(tab()), caught_up(tab("bo"))
    go(owner, "ops")
    type_line(owner, unique("@bo come here "))
    expect(bo).to_have_title("(@1) Play · Bellboard")
    expect(bo.locator(".window", has_text="Operations").locator(".count")).to_have_text("@1")
    bo.reload()
    expect(bo).to_have_title("(@1) Play · Bellboard")
    go(bo, "ops")
    expect(bo).to_have_title("Operations · Bellboard")
    expect(bo.locator(".window .count")).to_have_count(0)
    expect(owner).to_have_title("Operations · Bellboard")


def test_the_browser_notifies_of_a_mention_in_another_room(tab: Tab) -> None:
    """Once, with who and where; a press leads there. What is in view needs none."""
    owner, bo = tab(), caught_up(tab("bo"))
    bo.add_init_script(RECORD)
    bo.reload()
    words = unique("@bo the till is down ")
    go(owner, "ops")
    type_line(owner, words)
    bo.wait_for_function("() => window.told.length")
    told = bo.evaluate("() => window.told")
    assert [one["body"] for one in told] == [words]
    assert told[0]["title"].endswith(" in Operations")
    bo.evaluate("() => window.last.onclick()")
    expect(bo.locator(".window[aria-current]")).to_have_attribute("href", "#ops")
    again = unique("@bo here ")
    type_line(owner, again)
    expect(bo.locator(".talk", has_text=again.split()[-1])).to_be_visible()
    assert bo.evaluate("() => window.told.length") == 1


def test_notifications_are_asked_for_by_a_button_and_never_by_the_page(tab: Tab) -> None:
    """And the button goes away once the reader has answered."""
    page = tab("bo")
    page.add_init_script(RECORD.replace('"granted";\n', '"default";\n', 1))
    page.reload()
    button = page.get_by_role("button", name="Notify me of mentions")
    expect(button).to_be_visible()
    assert page.evaluate("() => window.asked") is None
    button.click()
    expect(button).to_have_count(0)
    assert page.evaluate("() => window.asked") is True


def test_a_granted_permission_is_the_browsers_own(tab: Tab) -> None:
    """Chromium's real notifications: no button, and no error when one is shown."""
    owner = tab()
    bo = caught_up(tab("bo", permissions=["notifications"]))
    expect(bo.locator(".notify")).to_have_count(0)
    go(owner, "ops")
    type_line(owner, unique("@bo hello "))
    expect(bo).to_have_title("(@1) Play · Bellboard")
    go(bo, "ops")


def test_names_complete_behind_an_at_sign(tab: Tab) -> None:
    """In talk, by id or by name."""
    page = tab()
    composer(page).press_sequentially("ask @di")
    expect(page.locator(".offers")).to_have_count(0)
    composer(page).fill("")
    composer(page).press_sequentially("ask @de")
    expect(page.locator(".offers li").first).to_contain_text("@dee")
    composer(page).press("Tab")
    expect(composer(page)).to_have_value("ask @dee ")


def test_a_slip_is_offered_to_whoever_typed_it_alone(tab: Tab) -> None:
    """A press runs the line put right; the slip stays talk."""
    owner, bo = tab(), tab("bo")
    go(owner, "play")
    go(bo, "play")
    type_line(owner, "helper on did-you-mean")
    expect(card(owner, "helper on did-you-mean").locator(".chip").last).to_have_text("done")
    word = unique("x")
    type_line(owner, f"practice loko {word}")
    offer = owner.locator(".answer", has_text=f"practice look {word}")
    expect(offer).to_contain_text("Did you mean")
    expect(bo.locator(".talk", has_text=f"practice loko {word}")).to_be_visible()
    expect(bo.locator(".answer")).to_have_count(0)
    expect(card(owner, f"practice look {word}")).to_have_count(0)
    offer.get_by_role("button").click()
    expect(card(owner, f"practice look {word}").locator(".chip")).to_have_text("done")
    quiet(owner, "did-you-mean")


def test_what_is_heard_in_talk_has_a_card_if_it_has_something_to_say(tab: Tab) -> None:
    """An id that nobody knows has none."""
    owner, bo = tab(), tab("bo")
    go(owner, "play")
    go(bo, "play")
    for name in ("looks", "ids"):
        type_line(owner, f"helper on {name}")
        expect(card(owner, f"helper on {name}").last.locator(".chip").last).to_have_text("done")
    word = unique("w")
    type_line(bo, f"is D99999 it? @look-{word}")
    expect(card(owner, f"practice look {word}").locator(".chip")).to_have_text("done")
    expect(owner.locator(".talk", has_text=f"@look-{word}")).to_be_visible()
    expect(owner.locator(".card", has_text="unfurl D99999")).to_have_count(0)
    for name in ("looks", "ids"):
        quiet(owner, name)
