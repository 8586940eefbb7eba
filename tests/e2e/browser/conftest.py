"""A mesh with four people, and Chromium to look at it."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, expect, sync_playwright

from bellboard_gateway.people import hash_token
from tests.e2e.mesh import START, Mesh

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PEOPLE = {"bo": ("Bo Diaz", []), "cy": ("Cy Ito", ["devs", "sre"]), "dee": ("Dee Roy", ["sre"])}
"""Everybody but the owner: name and groups. Each one's token is "token-of-" and their id."""
BO = "token-of-bo"
RULES = """
@id("devs-fire-when-sre-agrees") @approval("sre")
permit (principal in Group::"devs", action in Action::"bot:practice", resource);
"""

PATIENCE = 40_000
"""Milliseconds in which a page shows what is expected of it, on a busy machine too."""

expect.set_options(timeout=PATIENCE)

Tab = Callable[..., Page]
"""Opens a page as a person ("owner", or one of `PEOPLE`), in a browser profile of its own."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium; without it the tests are skipped, but in CI they fail."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "browser tests need Chromium, and there is none"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def house(mesh: Mesh) -> Mesh:
    """The mesh, with everybody in it, and a rule by which what devs do needs the approval of sre."""
    (mesh.data / "policy" / "devs.cedar").write_text(RULES)
    add_people(mesh)
    deadline = time.monotonic() + START
    while "devs-fire-when-sre-agrees" not in (said := mesh.say("can I practice fire a", "--as", "cy")).out:
        assert time.monotonic() < deadline, f"the files were not read again: {said.out}{said.err}"
    return mesh


def add_people(mesh: Mesh) -> None:
    """Put everybody on the list of people, which the gateway reads again by itself."""
    file = mesh.data / "people.yaml"
    people = yaml.safe_load(file.read_text())
    for id, (name, groups) in PEOPLE.items():
        people["people"].append({"id": id, "name": name, "groups": groups, "tokens": [hash_token(f"token-of-{id}")]})
    file.write_text(yaml.safe_dump(people, sort_keys=False))


def sign_in(page: Page, mesh: Mesh, person: str) -> None:
    """Sign a page in: the owner by a one-time link, everybody else by token."""
    if person in PEOPLE:
        page.goto(f"{mesh.url}/in")
        page.fill("#token", f"token-of-{person}")
        page.click("button.primary")
    else:
        request = urllib.request.Request(
            f"{mesh.url}/link", method="POST", headers={"Authorization": f"Bearer {mesh.run_file.token}"}
        )
        with urllib.request.urlopen(request) as answer:
            page.goto(mesh.url + json.load(answer)["path"])
    page.wait_for_selector(".window[aria-current]", state="attached")  # on a phone it is in a drawer
    page.wait_for_selector(".entries > *", state="attached")  # what is in the room has come, and everything told before it


@pytest.fixture
def tab(chromium: Browser, house: Mesh) -> Iterator[Tab]:
    """Opens pages; any error on one fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def refuse(dialog: Dialog) -> None:
        wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def listen(said: ConsoleMessage) -> None:
        if "Security Policy" in said.text:
            wrong.append(said.text)

    def open_tab(person: str = "owner", **options: object) -> Page:
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", refuse)
        page.on("console", listen)
        sign_in(page, house, person)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert not wrong
