"""Two replicas of the gateway on one bus: every browser sees every card, none twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from bellboard.provision.house import House
from tests.e2e.browser.conftest import BO, Tab
from tests.e2e.browser.test_room import card, type_line, unique
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def second(house: Mesh) -> Iterator[str]:
    """A second gateway on the same bus, with a key of its own, which has heard of the practice bot; the address of its page."""
    env = {**house.env, **House(house.data).service_env("gw-2"), "BELLBOARD_REPLICA": "gateway-2"}
    process = subprocess.Popen([sys.executable, "-m", "bellboard_gateway"], env=env, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        port, heard = 0, False
        for said in map(json.loads, process.stderr):
            port = said["web_port"] if said["event"] == "service.ready" else port
            heard = heard or (said["event"], said.get("bot")) == ("bot.came", "practice")
            if port and heard:
                break
        assert port, "it ended"
        assert heard, "it ended"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def sign_in_there(page: Page, url: str) -> None:
    page.goto(f"{url}/in")
    page.fill("#token", BO)
    page.click("button.primary")
    page.wait_for_selector(".window[aria-current]", state="attached")


def test_a_card_is_on_the_pages_of_both_replicas_once(tab: Tab, second: str) -> None:
    """Whoever took the line in, everybody sees its card move to its end, and sees it once."""
    here, there = tab(), tab("bo")
    sign_in_there(there, second)
    lines = [f"practice look {unique('r')} --wait 1s", f"practice look {unique('r')}"]
    type_line(here, lines[0])
    type_line(there, lines[1])

    for page in (here, there):
        for line in lines:
            expect(card(page, line)).to_have_count(1)
            expect(card(page, line).locator(".chip")).to_have_text("done")


def test_talk_crosses_from_one_replica_to_the_other(tab: Tab, second: str) -> None:
    """Lines that are no commands come to every page as well."""
    here, there = tab(), tab("bo")
    sign_in_there(there, second)
    words = unique("good morning ")
    type_line(there, words)

    expect(here.locator(".talk", has_text=words)).to_have_count(1)
    expect(there.locator(".talk", has_text=words)).to_have_count(1)
