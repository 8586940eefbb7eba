"""Charts that the page draws itself, in the page as it is served, with its Content-Security-Policy."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from bellboard_graphs import chart
from bellboard_graphs.series import Series
from tests.e2e.browser.conftest import Tab
from tests.e2e.browser.test_room import type_line, unique

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]

ALT = "Errors of v2 rose from 0 % to 20 %."
BEGAN = 1_763_800_000
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
SHOW = """async ([blocks, id]) => {
  const { render } = await import("/static/app/html.js");
  const { Blocks } = await import("/static/app/blocks.js");
  let board = document.getElementById(id);
  if (!board) {
    board = document.createElement("div");
    board.id = id;
    document.querySelector(".entries").append(board);
  }
  render(Blocks({ blocks }), board);
}"""
"""Puts blocks into the room as a card does."""

Spec = dict[str, Any]


def lines(top: float = 20.0) -> Spec:
    """What `graph` answers with: two versions over ten minutes."""
    times = tuple(float(BEGAN + 10 * i) for i in range(60))
    rises = Series("v2", times, tuple(top * i / 59 for i in range(60)))
    return chart.lines("errors of shop", "", [("v1", "%", Series("v1", times, (0.5,) * 60)), ("v2", "%", rises)], ())


def show(page: Page, *specs: Spec | str, alt: str = ALT, picture: bool = False, board: str = "charts") -> Locator:
    """Show charts, one block for each; what they are shown on."""
    texts = [spec if isinstance(spec, str) else json.dumps(spec) for spec in specs]
    kept = {"picture": {"owner": "graphs", "sha256": "0" * 64, "media_type": "image/png", "size": "68"}} if picture else {}
    page.evaluate(SHOW, [[{"chart": {"spec": text, "alt": alt, **kept}} for text in texts], board])
    return page.locator(f"#{board}")


def give_picture(route: Route) -> None:
    """Answer with a picture of one pixel."""
    route.fulfill(content_type="image/png", body=PIXEL)


def test_a_chart_is_drawn_from_its_specification(tab: Tab) -> None:
    """As one picture with the words of the chart, and no picture is fetched; two stand beside each other."""
    page = tab()
    board = show(page, lines(), chart.bars("routes", [("/cart", 3.0), ("/pay", 2.0)], ""))

    drawn = board.get_by_role("img", name=ALT)
    expect(drawn.locator("svg")).to_have_count(2)
    expect(board.locator("img")).to_have_count(0)
    expect(drawn.first.locator("svg")).to_contain_text("errors of shop")


def test_nothing_is_loaded_before_there_is_a_chart(tab: Tab) -> None:
    """A room without charts does not pay for them; in the one that is entered first others may have asked for some."""
    page = tab()
    page.evaluate("location.hash = 'ops'")
    page.reload()
    expect(page.locator(".window[aria-current]")).to_have_attribute("href", "#ops")
    words = unique("no chart ")
    type_line(page, words)
    expect(page.locator(".talk:not(.pending)", has_text=words)).to_be_visible()
    loaded = "performance.getEntriesByType('resource').map(one => one.name).filter(name => name.includes('vega'))"
    assert page.evaluate(loaded) == []
    expect(show(page, lines()).locator("svg")).to_have_count(1)
    assert len(page.evaluate(loaded)) == 3


def test_pointing_and_arrow_keys_read_values(tab: Tab) -> None:
    """By hand the nearest moment; by keyboard one after the other, told to those who hear the page."""
    page = tab()
    board = show(page, lines())
    sheet = board.locator(".sheet")
    expect(sheet.locator("svg")).to_have_count(1)

    sheet.hover()
    expect(board.locator(".reading")).to_contain_text("v1")
    expect(board.locator(".reading")).to_contain_text("0.5")
    page.mouse.move(0, 0)
    expect(board.locator(".reading")).to_have_count(0)

    sheet.focus()
    page.keyboard.press("ArrowLeft")
    expect(board.get_by_role("status")).to_contain_text("v2 20")
    page.keyboard.press("Escape")
    expect(board.get_by_role("status")).to_have_text("")


def test_a_tap_reads_values_on_a_phone_and_the_chart_fits(tab: Tab) -> None:
    """Drawn as narrow as the phone, with letters as large as ever."""
    page = tab(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    board = show(page, lines())
    sheet = board.locator(".sheet")
    expect(sheet.locator("svg")).to_have_count(1)
    width = sheet.evaluate("box => box.clientWidth")
    assert int(sheet.locator("svg").get_attribute("width") or 0) <= width < 390
    sheet.tap()
    expect(board.locator(".reading")).to_contain_text("v2")


def test_a_chart_that_is_edited_is_never_away(tab: Tab) -> None:
    """The new one takes the place of the old one at once."""
    page = tab()
    board = show(page, lines())
    expect(board.locator("svg")).to_have_count(1)
    page.evaluate("""() => {
      window.least = 1;
      const count = () => { window.least = Math.min(window.least, document.querySelectorAll("#charts svg").length); };
      new MutationObserver(count).observe(document.getElementById("charts"), { childList: true, subtree: true });
    }""")
    for top in (30.0, 40.0, 50.0):
        show(page, lines(top))
    page.locator("#charts .sheet").focus()
    expect(board.locator("svg")).to_contain_text("50")
    assert page.evaluate("window.least") == 1


def test_a_chart_that_can_be_drawn_no_more_is_its_words(tab: Tab) -> None:
    """And is drawn again once it can be."""
    page = tab()
    board = show(page, lines())
    expect(board.locator("svg")).to_have_count(1)
    show(page, "{")
    expect(board.locator(".missing")).to_have_text(ALT)
    expect(board.locator("svg")).to_have_count(0)
    show(page, lines())
    expect(board.locator("svg")).to_have_count(1)
    expect(board.locator(".missing")).to_have_count(0)


ROWS = [{"x": 1, "y": 2, "name": "<img src=x onerror=alert(1)>", "url": "https://example.org/row"}]
MARK: Spec = {
    "data": {"values": ROWS},
    "mark": "point",
    "encoding": {
        "x": {"field": "x", "type": "quantitative"},
        "y": {"field": "y", "type": "quantitative", "title": "<b onmouseover=alert(1)>y</b>"},
        "tooltip": {"field": "name"},
    },
}
REFUSED: dict[str, Spec | str] = {
    "data from elsewhere": {**MARK, "data": {"url": "https://example.org/data.json"}},
    "a link": {**MARK, "encoding": {**MARK["encoding"], "href": {"value": "javascript:alert(1)"}}},
    "a picture from elsewhere": {**MARK, "mark": {"type": "image", "url": "https://example.org/a.png"}},
    "an expression": {**MARK, "transform": [{"calculate": "alert(1)", "as": "z"}]},
    "a filter": {**MARK, "transform": [{"filter": "alert(1)"}]},
    "a signal": {**MARK, "params": [{"name": "p", "expr": "alert(1)"}]},
    "a width that computes": {**MARK, "width": {"expr": "alert(1)"}},
    "ticks that compute": {**MARK, "encoding": {"x": {"field": "x", "axis": {"values": {"expr": "alert(1)"}}}}},
    "endless data": {**MARK, "data": {"sequence": {"start": 0, "stop": 1e12}}},
    "a text to parse": {**MARK, "data": {"values": "x,y\n1,2", "format": {"type": "csv"}}},
    "no specification": {"mark": "nothing"},
    "no JSON": "{",
    "a list": "[]",
}


@pytest.mark.parametrize("spec", REFUSED.values(), ids=REFUSED.keys())
def test_what_fetches_or_computes_is_not_drawn(tab: Tab, spec: Spec | str) -> None:
    """Its words are shown instead, nothing is asked of another site, and nothing runs (`tab` looks out for that)."""
    page = tab()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    board = show(page, lines())
    expect(board.locator("svg")).to_have_count(1)
    show(page, spec, alt="what it says", board="hostile")
    expect(page.locator("#hostile .missing")).to_have_text("what it says")
    expect(page.locator("#hostile svg")).to_have_count(0)
    assert not [url for url in asked if "example.org" in url]


def test_html_in_a_chart_is_text(tab: Tab) -> None:
    """In its axes and in what is read off it."""
    page = tab()
    board = show(page, MARK)
    expect(board.locator("svg")).to_contain_text("<b onmouseover=alert(1)>y</b>")
    board.locator(".sheet").focus()
    page.keyboard.press("ArrowRight")
    expect(board.locator(".reading")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(board.locator(".reading img")).to_have_count(0)
    expect(board.locator("svg b")).to_have_count(0)


def test_without_what_draws_charts_the_picture_is_shown(tab: Tab) -> None:
    """And the words where there is no picture."""
    page = tab()
    page.route("**/vendor/vega*", lambda route: route.abort())
    page.route("**/blob/graphs/**", give_picture)
    page.reload()  # a chart that others asked for in this room may have loaded it already
    page.wait_for_selector(".entries > *", state="attached")
    board = show(page, lines(), picture=True)
    expect(board.locator("img")).to_have_attribute("alt", ALT)
    show(page, lines(), board="bare")
    expect(page.locator("#bare .missing")).to_have_text(ALT)
    expect(page.locator(".sheet svg")).to_have_count(0)
