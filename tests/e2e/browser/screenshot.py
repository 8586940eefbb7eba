"""Make docs/screenshot.png: a whole mesh, two people, and a few cards.

Run it from the root of the repository: ``python -m tests.e2e.browser.screenshot``.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.e2e.browser.conftest import FLAGS, add_people, sign_in
from tests.e2e.mesh import ROOT, Mesh

SIZE = ViewportSize(width=1180, height=1060)
TARGET = ROOT / "docs" / "screenshot.png"


def say(page: Page, line: str, cards: int) -> None:
    """Type a line, and wait until so many cards are done."""
    box = page.locator(".room .composer textarea")
    box.fill(line)
    box.press("Escape")
    box.press("Enter")
    expect(page.locator(".room .chip.good")).to_have_count(cards, timeout=30_000)


def name_owner(mesh: Mesh) -> None:
    """Give the owner a name; on the machine it is whatever the user is called."""
    file = mesh.data / "people.yaml"
    people = yaml.safe_load(file.read_text())
    people["people"][0]["name"] = "Ann Lee"
    file.write_text(yaml.safe_dump(people, sort_keys=False))


def take(browser: Browser, mesh: Mesh) -> None:
    """Play a short scene and take the picture."""
    owner = browser.new_context(viewport=SIZE, color_scheme="light", device_scale_factor=2).new_page()
    bo = browser.new_context().new_page()
    sign_in(owner, mesh, "owner")
    sign_in(bo, mesh, "bo")
    say(bo, "checkout is green, shipping it", 0)
    say(owner, 'meme ship-it "works" "on my machine"', 1)
    box = owner.locator(".room .composer textarea")
    box.fill("practice climb north --wait 4s")
    box.press("Escape")
    box.press("Enter")
    expect(owner.locator(".steps .done")).to_have_count(1, timeout=20_000)
    owner.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
    TARGET.parent.mkdir(exist_ok=True)
    owner.screenshot(path=TARGET)


def main() -> int:
    """Start everything, take the picture, stop everything."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("the screenshot needs Chromium, and there is none", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        mesh = Mesh(Path(folder) / "data")
        try:
            mesh.start()
            add_people(mesh)
            name_owner(mesh)
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            take(browser, mesh)
            browser.close()
        finally:
            mesh.stop()
    print(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
