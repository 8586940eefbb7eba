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


def drop(page: Page, file: Path) -> None:
    """Drag a file from the desktop over the room and let it go, as the browser itself tells the page of it."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        if kind == "drop":
            expect(page.locator(".drop-here")).to_be_visible()
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 300, "data": data})
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
