"""Cards that bots bring up to date, and what runs without anybody having typed it."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser.conftest import Tab
from tests.e2e.browser.test_room import card, type_line, unique
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(240)]


ELEMENTS = "document.querySelectorAll('*').length"


def elsewhere(house: Mesh, line: str) -> None:
    """Say a line in another room."""
    said = house.say(line, "--room=play")
    assert said.exit == 0, said.err


def elements(page: Page) -> int:
    """How many there are on the page, once it has drawn what charts others left in the room."""
    expect(page.locator(".not-yet")).to_have_count(0)
    return int(page.evaluate(ELEMENTS))


def test_a_card_is_brought_up_to_date_in_its_place(tab: Tab, house: Mesh) -> None:
    """Its line and state stay, its blocks are those of the newest; nothing is added, however often; a reload shows the same."""
    page = tab()
    line = f"practice look {unique('c')}"
    type_line(page, line)
    shown = card(page, line)
    expect(shown.locator(".chip")).to_have_text("done")
    id = shown.get_attribute("data-command")
    words = [unique("w") for _ in range(12)]
    elsewhere(house, f"practice send --card {id} practice look {words[0]}")
    expect(shown.locator(".text")).to_have_text([f"looked at {words[0]}"])
    expect(page.locator(".window", has_text="Play")).to_have_class(re.compile("rings"))  # a word more in the list of rooms
    before = elements(page)
    for word in words[1:]:
        elsewhere(house, f"practice send --card {id} practice look {word}")
    expect(shown.locator(".text")).to_have_text([f"looked at {words[-1]}"])
    expect(shown.locator(".child")).to_have_count(0)
    expect(page.locator(".card", has_text=words[0])).to_have_count(0)
    page.wait_for_function(f"before => {ELEMENTS} === before", arg=before)
    page.reload()
    expect(card(page, line).locator(".text")).to_have_text([f"looked at {words[-1]}"])


def test_a_card_keeps_what_it_said_while_it_is_brought_up_to_date(tab: Tab, house: Mesh) -> None:
    """And where that fails it says so, beside what it said."""
    page = tab()
    line = f"practice look {unique('c')}"
    type_line(page, line)
    shown = card(page, line)
    expect(shown.locator(".chip")).to_have_text("done")
    id, word = shown.get_attribute("data-command"), line.split(" ")[-1]
    elsewhere(house, f"practice send --card {id} practice fire a --fail --wait 2s")
    expect(shown.locator(".text")).to_have_text([f"looked at {word}"])
    expect(shown.locator(".reason")).to_have_text("It is not up to date. a did not go off")
    expect(shown.locator(".text")).to_have_text([f"looked at {word}"])
    expect(shown.locator(".chip")).to_have_text("done")


def test_what_nobody_typed_is_seen_when_it_says_something(tab: Tab, house: Mesh) -> None:
    """It stands there under the bot's name, and does not make the room unread before."""
    page = tab()
    beats = page.locator(".card .head .line", has_text="practice beat")
    before = beats.count()
    type_line(page, f"practice look {unique('c')}")
    loud = unique("loud")
    elsewhere(house, "practice send --room general practice beat")
    elsewhere(house, f"practice send --room general practice beat {loud}")
    shown = card(page, f"practice beat {loud}")
    expect(shown.locator(".text")).to_contain_text(f"beat {loud}")
    expect(shown.locator("header b")).to_have_text("practice")
    expect(shown.locator("header .bot")).to_have_text("bot")
    expect(beats).to_have_count(before + 1)


def test_a_card_of_hundreds_of_updates_is_sent_once(tab: Tab, house: Mesh) -> None:
    """Whoever opens the room gets one card, not each of them."""
    page = tab()
    line = f"practice look {unique('c')}"
    type_line(page, line)
    id = card(page, line).get_attribute("data-command")
    for number in range(3):
        elsewhere(house, f"practice send --card {id} practice look n{number}")
    expect(card(page, line).locator(".text")).to_have_text(["looked at n2"])
    seen: list[str] = []
    other = tab("bo")
    other.on("websocket", lambda socket: socket.on("framereceived", lambda frame: seen.append(str(frame))))
    other.reload()
    expect(card(other, line).locator(".text")).to_have_text(["looked at n2"])
    batches = [json.loads(frame) for frame in seen if '"t":"batch"' in frame]
    cards = [one for batch in batches for one in batch["cards"]]
    assert sum(one["card_id"] == id for one in cards) == 1
