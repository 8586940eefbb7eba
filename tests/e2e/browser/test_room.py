"""The room as people have it: two of them, in Chromium, on a whole mesh."""

from __future__ import annotations

import re
import struct
import uuid
import zlib

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser.conftest import Tab
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]

ATTACKS = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "javascript:alert(1) <a href='javascript:alert(1)'>x</a>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
]


def composer(page: Page) -> Locator:
    return page.locator(".room .composer textarea")


def type_line(page: Page, line: str) -> None:
    composer(page).fill(line)
    composer(page).press("Escape")
    composer(page).press("Enter")


def card(page: Page, line: str) -> Locator:
    return page.locator(".room .card").filter(has=page.locator(".head .line", has_text=re.compile(f"^{re.escape(line)}")))


def unique(word: str) -> str:
    return f"{word}{uuid.uuid4().hex[:8]}"


def small_png(colour: tuple[int, int, int] = (0x30, 0x90, 0x60)) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(colour) * 40 for _ in range(30))
    head = struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_two_people_talk_and_see_who_is_there(tab: Tab) -> None:
    """What one says the other reads, and both are in the house."""
    owner, bo = tab(), tab("bo")
    words = unique("hello ")
    type_line(owner, words)
    expect(bo.locator(".talk", has_text=words)).to_be_visible()
    expect(owner.locator(".person.here", has_text="Bo Diaz")).to_be_visible()


def test_a_meme_appears_on_a_card_for_both(tab: Tab) -> None:
    """The picture that the README promises, decoded by the browser."""
    owner, bo = tab(), tab("bo")
    top = unique("works")
    type_line(owner, f'meme ship-it "{top}" "on my machine"')
    for page in (owner, bo):
        shown = card(page, "meme ship-it").filter(has_text=top)
        expect(shown.locator(".chip")).to_have_text("done")
        picture = shown.locator("img")
        expect(picture).to_be_visible()
        page.wait_for_function("image => image.complete && image.naturalWidth > 100", arg=picture.element_handle())


def test_a_card_moves_in_place(tab: Tab) -> None:
    """One card goes through its steps, and is never a second one."""
    page = tab()
    hill = unique("hill")
    type_line(page, f"practice climb {hill} --wait 2s")
    climbing = card(page, f"practice climb {hill}")
    expect(climbing.locator(".chip")).to_have_text("running")
    expect(climbing.locator(".steps .begun")).to_have_count(1)
    expect(climbing.locator(".chip")).to_have_text("done")
    expect(climbing.locator(".steps .done")).to_have_count(3)
    expect(climbing).to_have_count(1)


def test_completion_comes_from_the_contracts(tab: Tab) -> None:
    """Commands, then what may follow; Tab takes it."""
    page = tab()
    composer(page).press_sequentially("mem")
    expect(page.locator(".offers li").first).to_contain_text("meme")
    composer(page).fill("")
    composer(page).press_sequentially("meme sh")
    expect(page.locator(".offers li").first).to_contain_text("ship-it")
    composer(page).press("Tab")
    expect(composer(page)).to_have_value("meme ship-it ")


def test_a_line_that_is_wrong_is_pointed_at_and_nobody_else_sees_it(tab: Tab) -> None:
    """Caret, reason, the nearest right form; and saying it anyway makes it talk."""
    owner, bo = tab(), tab("bo")
    line = f"meme shipit {unique('w')}"
    type_line(owner, line)
    expect(owner.locator(".wrong mark")).to_have_text("shipit")
    expect(composer(owner)).to_have_value(line)
    expect(bo.get_by_text(line)).to_have_count(0)
    owner.locator(".wrong .suggestion").click()
    expect(composer(owner)).to_have_value(line.replace("shipit", "ship-it"))
    owner.get_by_role("button", name="Say it anyway").click()
    expect(bo.locator(".talk", has_text=line)).to_be_visible()


def test_advice_is_no_line_to_take(tab: Tab) -> None:
    """What has no one right form says what to do, and leaves what was typed where it is; the caret counts characters."""
    page = tab()
    line = "meme ship-it 🚀🚀 'not closed"
    type_line(page, line)
    expect(page.locator(".wrong mark")).to_have_text("'not closed")
    expect(page.locator(".wrong")).to_contain_text("close it, or put the whole in double quotes")
    expect(page.locator(".wrong .suggestion")).to_have_count(0)
    expect(composer(page)).to_have_value(line)


def test_a_denial_is_told_with_its_reason(tab: Tab) -> None:
    """Bo may not fire; the card says so, and nothing runs."""
    bo = tab("bo")
    label = unique("a")
    type_line(bo, f"practice fire {label}")
    denied = card(bo, f"practice fire {label}")
    expect(denied.locator(".chip")).to_have_text("denied")
    expect(denied.locator(".reason")).to_contain_text("Denied:")


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_typed_stays_text(tab: Tab, attack: str) -> None:
    """As talk and as an argument of a command: shown as typed, and nothing runs (a dialog fails the test)."""
    page = tab()
    mark = unique("x")
    type_line(page, f"{mark} {attack}")
    expect(page.locator(".talk .text", has_text=mark)).to_contain_text(attack)
    type_line(page, f'meme ship-it "{mark}" "{attack}"')
    expect(page.locator(".card", has_text=mark).locator(".chip")).to_have_text("done")
    live = ".entries script, .entries svg:not(.sheet svg), .entries [onerror], .entries [onload]"  # a chart is drawn, not typed
    assert page.locator(live).count() == 0
    assert page.evaluate("[...document.querySelectorAll('a')].every(a => !a.href.startsWith('javascript'))")


def test_a_question_is_answered_by_a_button(tab: Tab) -> None:
    """Its choice is a line, and a card of its own."""
    page = tab()
    label = unique("q")
    type_line(page, f"practice ask {label}")
    choices = card(page, f"practice ask {label}").locator(".choice")
    line = choices.first.get_attribute("title")
    assert line
    choices.first.click()
    expect(card(page, line)).to_be_visible()


def test_a_running_command_is_cancelled_by_its_button(tab: Tab) -> None:
    """The card says by whom."""
    page = tab()
    word = unique("w")
    type_line(page, f"practice look {word} --wait 30s")
    looking = card(page, f"practice look {word}")
    looking.get_by_role("button", name="Cancel").click()
    expect(looking.locator(".chip")).to_have_text("cancelled")


def test_an_upload_is_shown_and_can_be_drawn_upon(tab: Tab) -> None:
    """Through the file button; the room sees the picture, and the bot draws on it."""
    owner, bo = tab(), tab("bo")
    name = unique("picture") + ".png"
    owner.set_input_files(".room .attach input", {"name": name, "mimeType": "image/png", "buffer": small_png()})
    expect(owner.locator(".files li small")).not_to_have_text("uploading…")
    top = unique("t")
    type_line(owner, f"meme picture {top} --on last")
    expect(card(owner, f"meme picture {top}").locator(".chip")).to_have_text("done")
    expect(bo.locator(f'.talk img[alt="{name}"]')).to_be_visible()


def test_a_thread_is_apart_from_the_room(tab: Tab) -> None:
    """Replies are counted where it began, and read beside it."""
    owner, bo = tab(), tab("bo")
    words, answer = unique("start "), unique("answer ")
    type_line(owner, words)
    began = bo.locator(".room .talk", has_text=words)
    began.hover()
    began.locator(".reply").click()
    bo.locator(".thread textarea").fill(answer)
    bo.locator(".thread textarea").press("Enter")
    expect(bo.locator(".thread .talk", has_text=answer)).to_be_visible()
    expect(owner.locator(".room .talk", has_text=words).locator(".reply")).to_have_text("1 reply")
    expect(owner.locator(".room .talk", has_text=answer)).to_have_count(0)


def test_another_room_rings_until_it_is_read(tab: Tab) -> None:
    """The flag drops in the board of rooms, and goes when the room is entered."""
    owner, bo = tab(), tab("bo")
    window = owner.locator(".window").nth(1)
    for number in (1, 0):  # what others said there before is read now
        owner.locator(".window").nth(number).click()
        expect(owner.locator(".window").nth(number)).to_have_attribute("aria-current", "page")
    expect(window).not_to_have_class(re.compile("rings"))
    bo.locator(".window").nth(1).click()
    expect(bo.locator(".window").nth(1)).to_have_attribute("aria-current", "page")
    type_line(bo, unique("over here "))
    expect(window).to_have_class(re.compile("rings"))
    window.click()
    expect(window).not_to_have_class(re.compile("rings"))


def test_the_keyboard_is_enough(tab: Tab) -> None:
    """`/` types, arrows recall, Ctrl+K goes to a room."""
    page = tab()
    words = unique("again ")
    type_line(page, words)
    page.locator(".room .timeline").focus()
    page.keyboard.press("/")
    expect(composer(page)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(composer(page)).to_have_value(words)
    composer(page).fill("")
    page.keyboard.press("Control+k")
    expect(page.locator(".switcher input")).to_be_focused()
    page.keyboard.type("play")
    page.keyboard.press("Enter")
    expect(page.locator(".room-head h2").first).to_have_text(re.compile("play", re.IGNORECASE))


def test_a_link_to_a_card_leads_to_it(tab: Tab) -> None:
    """Also from another room, for another person."""
    owner, bo = tab(), tab("bo")
    word = unique("w")
    type_line(owner, f"practice look {word}")
    address = card(owner, f"practice look {word}").get_by_title("Link to this card").get_attribute("href")
    bo.locator(".window").nth(2).click()
    bo.evaluate("address => { location.hash = address }", address)
    expect(bo.locator(".card.focus")).to_contain_text(word)


def test_a_link_to_a_card_of_long_ago_leads_to_it(tab: Tab) -> None:
    """Though much was said since, and what is told of the room at first does not reach so far back."""
    owner, bo = tab(), tab("bo")
    word = unique("w")
    owner.evaluate("location.hash = 'ops'")
    expect(owner.locator(".window[aria-current]")).to_contain_text("Operations")
    type_line(owner, f"practice look {word}")
    old = card(owner, f"practice look {word}")
    address = old.get_by_title("Link to this card").get_attribute("href")
    owner.evaluate(
        """() => new Promise((done, fail) => {
            const socket = new WebSocket(`ws://${location.host}/ws`);
            const line = (n) => ({ t: "say", id: crypto.randomUUID(), room: "ops", text: `line ${n}`, talk: true });
            let left = 160;
            socket.onopen = () => { for (let n = 0; n < 160; n += 1) socket.send(JSON.stringify(line(n))); };
            socket.onmessage = (event) => { if (JSON.parse(event.data).t === "verdict" && !(left -= 1)) done(socket.close()); };
            socket.onerror = fail;
        })"""
    )
    bo.evaluate("address => { location.hash = address; location.reload(); }", address)
    expect(bo.locator(".card.focus")).to_contain_text(word)
    expect(bo.locator(".card.focus")).to_be_in_viewport()


def test_an_address_that_was_cut_off_leads_to_the_first_room(tab: Tab) -> None:
    """Rather than to an empty page."""
    page = tab()
    page.evaluate("location.hash = '#%'; location.reload()")
    expect(page.locator(".window[aria-current]")).to_contain_text("General")


def test_a_page_without_https_can_be_spoken_to(tab: Tab) -> None:
    """Where it is not of this machine, browsers give it less."""
    page = tab()
    page.add_init_script("delete Crypto.prototype.randomUUID")
    page.reload()
    words = unique("hello ")
    type_line(page, words)
    expect(page.locator(".talk", has_text=words)).to_be_visible()
    expect(page.locator(".talk.pending")).to_have_count(0)


def test_what_is_completed_behind_an_emoji_keeps_the_line(tab: Tab) -> None:
    """Which is two characters to a browser, and one to the gateway."""
    page = tab()
    composer(page).press_sequentially("meme ship-it \U0001f680\U0001f680 --o")
    expect(page.locator(".offers li").first).to_contain_text("--on")
    composer(page).press("Tab")
    expect(composer(page)).to_have_value("meme ship-it \U0001f680\U0001f680 --on ")


def test_a_phone_has_all_of_it_without_scrolling_sideways(tab: Tab) -> None:
    """The board of rooms is a drawer there."""
    page = tab(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator(".sidebar")).to_be_hidden()
    page.locator(".drawer").click()
    expect(page.locator(".sidebar")).to_be_visible()
    page.locator(".window").nth(2).click()
    expect(page.locator(".sidebar")).to_be_hidden()


def test_a_gateway_that_is_killed_comes_back_and_nothing_is_missing_or_double(tab: Tab, house: Mesh) -> None:
    """Lines typed while it was away are sent when it is back; what happened meanwhile is told; nothing stands there twice."""
    owner, bo = tab(), tab("bo")
    mark = unique("m")
    type_line(owner, f"{mark} before")
    hill = unique("hill")
    type_line(owner, f"practice climb {hill} --wait 4s")
    expect(card(bo, f"practice climb {hill}").locator(".chip")).to_have_text("running")
    house.kill("gateway")
    expect(owner.locator(".banner")).to_be_visible()
    type_line(owner, f"{mark} while away")
    type_line(bo, f"practice look {mark}")
    for page in (owner, bo):
        expect(page.locator(".banner")).to_have_count(0, timeout=40_000)
        expect(page.locator(".talk", has_text=f"{mark} while away")).to_have_count(1, timeout=40_000)
        expect(card(page, f"practice climb {hill}").locator(".chip")).to_have_text("done", timeout=60_000)
        expect(card(page, f"practice look {mark}").locator(".chip")).to_have_text("done", timeout=60_000)
        expect(page.locator(".talk", has_text=f"{mark} before")).to_have_count(1)
        expect(card(page, f"practice look {mark}")).to_have_count(1)
        expect(card(page, f"practice climb {hill}")).to_have_count(1)
