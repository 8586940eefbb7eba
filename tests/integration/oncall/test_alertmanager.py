"""A real Alertmanager, and what the room sees of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bellboard.provision import House
from bellboard.testing import eventually
from bellboard.testing.plugin import BusAs
from bellboard.testing.servers import NatsServer
from tests.integration.gateway.staff import says
from tests.integration.mesh import Mesh

from .burning import SECRETS, Alertmanager, Burning, alertmanager, burning, burning_house

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SHOP = {"alertname": "HighErrors", "app": "shop", "env": "prod", "severity": "critical"}
HOSTS = [{**SHOP, "instance": name} for name in ("a", "b", "c")]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A data folder with the on-call bot enrolled."""
    return burning_house(tmp_path / "house")


@pytest.fixture
async def room(house: House, nats: NatsServer, bus_as: BusAs, mesh: Mesh) -> AsyncIterator[Burning]:
    """The mesh."""
    async with burning(house, await bus_as("gw-1"), mesh) as room:
        yield room


@pytest.fixture
async def source(room: Burning, house: House, tmp_path: Path) -> AsyncIterator[Alertmanager]:
    """An Alertmanager that sends to it, and at which it sets silences."""
    async with alertmanager(tmp_path / "alertmanager", f"{room.url}/hooks/alertmanager/{SECRETS['alertmanager']}") as source:
        house.alerts.write_text(yaml.safe_dump({"alertmanager": {"url": source.url}}))
        yield source


async def silences(source: Alertmanager, state: str) -> list[Any]:
    return [one for one in await source.ask("GET", "silences") if one["status"]["state"] == state]


async def test_alerts_are_grouped_on_one_card_that_follows_them_to_their_end(room: Burning, source: Alertmanager) -> None:
    """Three fire, one is over, a fourth comes, all are over; and it burns anew."""
    await source.alert(*HOSTS, annotations={"summary": "shop fails", "runbook_url": "https://wiki/shop"})
    card = await room.shows("A1: HighErrors on shop in prod: 3 firing", "paged: P1")
    assert "shop fails" in says(card)
    assert [block.link.url for block in card.blocks if block.link.title == "runbook"] == ["https://wiki/shop"]

    await source.alert(HOSTS[0], firing=False)
    await room.shows("A1", "2 firing, 1 over")
    await source.alert({**SHOP, "instance": "d"})
    await room.shows("A1", "3 firing, 1 over")
    acked = await room.desk.run("ack A1", room="ops")
    assert "is on" in says(acked)
    await room.shows("A1", "ann takes care of it")

    await source.alert(*HOSTS[1:], {**SHOP, "instance": "d"}, firing=False)
    over = await room.shows("A1", "over after")
    assert over.command_id == card.command_id
    await room.shows("P1", "A1 is over", line="page show")

    await source.alert(HOSTS[0])
    anew = await room.shows("A2", "1 firing")
    assert anew.command_id != card.command_id
    assert [says(one)[:2] for one in await room.cards()] == ["A1", "A2"]


async def test_a_silence_is_set_there_listed_expired_and_heard_again(room: Burning, source: Alertmanager) -> None:
    """What ends while nobody tells of it is known to be over when the silence ends."""
    await source.alert(*HOSTS)
    await room.shows("A1", "3 firing")
    assert "is silenced until" in says(await room.desk.run('alert silence A1 for 1h "deploying the fix"', room="ops"))
    await room.shows("A1", "silenced until", "deploying the fix")
    (there,) = await silences(source, "active")
    assert {(one["name"], one["value"]) for one in there["matchers"]} == set(SHOP.items())
    assert (there["createdBy"], there["comment"]) == ("ann", "deploying the fix [S1.1]")

    suppressed = [one["status"]["state"] for one in await source.ask("GET", "alerts")]
    assert suppressed == ["suppressed"] * 3
    await source.alert(*HOSTS[:2], firing=False)

    async def two_are_gone() -> bool:
        return len(await source.ask("GET", "alerts")) == 1

    await eventually(two_are_gone, 20)
    listed = await room.desk.run("alert silences", room="ops")
    assert "S1" in says(listed)
    assert "is heard again" in says(await room.desk.run("alert expire S1", room="ops"))
    assert len(await silences(source, "expired")) == 1
    await room.shows("A1", "1 firing, 2 over")
    await source.alert(HOSTS[2], firing=False)
    await room.shows("A1", "over after")


async def test_what_can_not_be_read_spoils_nothing(room: Burning) -> None:
    """What comes at the webhook besides is shown."""
    await room.give(b"[1, 2, 3]")
    await room.give(b'{"alerts": {"a": []}}', "alertmanager")
    await room.give(b'{"title": "Backup failed", "labels": {"app": "db"}}')
    card = await room.shows("Backup failed on db")
    assert "1 firing" in says(card)
