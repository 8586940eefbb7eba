"""Pictures come into the room by drag and drop and from the clipboard, and bots draw on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser.conftest import Tab
from tests.e2e.browser.test_room import card, composer, small_png, type_line, unique

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]

Bring = Callable[[Page, Path], None]

CENTRE = """image => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const ink = canvas.getContext("2d");
    ink.drawImage(image, 0, 0);
    return [...ink.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data.slice(0, 3)];
}"""
COPY = """async bytes => {
    const picture = new Blob([new Uint8Array(bytes)], {type: "image/png"});
    await navigator.clipboard.write([new ClipboardItem({"image/png": picture})]);
}"""


COVER = """() => {
    const cover = document.createElement("div");
    cover.style = "position: absolute; inset: 0";
    document.querySelector("main").append(cover);
}"""
OVER, AWAY = (600, 300), (5, 5)


def drag(page: Page, file: Path, *kinds: str, at: tuple[int, int] = OVER) -> None:
    """Have a file from the desktop over the room, as the browser itself tells the page of it."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    for kind in kinds:
        session.send("Input.dispatchDragEvent", {"type": kind, "x": at[0], "y": at[1], "data": data})


def drop(page: Page, file: Path) -> None:
    """Drag a file from the desktop over the room and let it go."""
    drag(page, file, "dragEnter", "dragOver")
    expect(page.locator(".drop-here")).to_be_visible()
    drag(page, file, "drop")
    expect(page.locator(".drop-here")).to_have_count(0)


def paste(page: Page, file: Path) -> None:
    """Copy a picture and press Ctrl+V in the composer."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(COPY, list(file.read_bytes()))
    composer(page).focus()
    page.keyboard.press("Control+v")


@pytest.mark.parametrize(("bring", "colour"), [(drop, (200, 40, 90)), (paste, (40, 90, 200))], ids=["dropped", "pasted"])
def test_a_picture_that_is_brought_is_the_rooms_last(
    tab: Tab, tmp_path: Path, bring: Bring, colour: tuple[int, int, int]
) -> None:
    """It is sent on its own; what another person then has drawn on the last picture is drawn on this one."""
    owner, bo = tab(), tab("bo")
    file = tmp_path / f"{unique('picture')}.png"
    file.write_bytes(small_png(colour))
    before = bo.locator(".talk img").count()

    bring(owner, file)
    expect(owner.locator(".files li small")).not_to_have_text("uploading…")
    owner.locator(".send").click()
    expect(bo.locator(".talk img")).to_have_count(before + 1)
    top = unique("t")
    type_line(bo, f"meme picture {top} --on last")

    for page in (owner, bo):
        drawn = card(page, f"meme picture {top}")
        expect(drawn.locator(".chip")).to_have_text("done")
        picture = drawn.locator("img")
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
        assert max(abs(is_ - was) for is_, was in zip(picture.evaluate(CENTRE), colour, strict=True)) < 24


def test_what_is_dropped_and_is_no_picture_is_a_file_to_download(tab: Tab, tmp_path: Path) -> None:
    """It never opens in place of the page, and is talk with a link to it."""
    page = tab()
    file = tmp_path / f"{unique('notes')}.html"
    file.write_text("<script>alert(1)</script>")

    drop(page, file)
    expect(page.locator(".files li small")).not_to_have_text("uploading…")
    page.locator(".send").click()

    link = page.locator(".talk a.file", has_text=file.name)
    expect(link).to_be_visible()
    assert link.get_attribute("download") == file.name


def test_a_drop_is_taken_whatever_comes_under_the_pointer_meanwhile(tab: Tab, tmp_path: Path) -> None:
    """What was dragged over is not what it is dropped on where an entry came, or went, in between."""
    page = tab()
    file = tmp_path / f"{unique('notes')}.txt"
    file.write_text("taken")

    drag(page, file, "dragEnter", "dragOver")
    page.evaluate(COVER)
    drag(page, file, "drop")

    expect(page.locator(".drop-here")).to_have_count(0)
    expect(page.locator(".files li", has_text=file.name)).to_be_visible()


def test_a_drag_that_ends_without_a_word_leaves_nothing_behind(tab: Tab, tmp_path: Path) -> None:
    """The next move of the pointer tells that it is over, and everything in the room can be pressed again."""
    page = tab()
    file = tmp_path / f"{unique('notes')}.txt"
    file.write_text("never let go")

    drag(page, file, "dragEnter", "dragOver")
    expect(page.locator(".drop-here")).to_be_visible()
    page.mouse.move(*OVER)

    expect(page.locator(".drop-here")).to_have_count(0)
    page.wait_for_function("([x, y]) => document.elementFromPoint(x, y).localName !== 'main'", arg=OVER)


def test_a_file_let_go_beside_the_room_is_not_opened(tab: Tab, tmp_path: Path) -> None:
    """The page stays, as the browser is told that nothing is taken there."""
    page = tab()
    file = tmp_path / f"{unique('notes')}.html"
    file.write_text("<title>not Bellboard</title>")

    drag(page, file, "dragEnter", "dragOver", "drop", at=AWAY)

    expect(composer(page)).to_be_visible()
    expect(page).not_to_have_title("not Bellboard")
    expect(page.locator(".files li")).to_have_count(0)
