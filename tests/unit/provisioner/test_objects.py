"""Keys are made once, whoever makes them; what is derived from them follows."""

from __future__ import annotations

import asyncio
import fcntl
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bellboard.errors import Failed, SettingsError
from bellboard.provision import keys
from bellboard_provisioner import folder, objects
from bellboard_provisioner.folder import Folder
from bellboard_provisioner.objects import Data, Owner, Place
from bellboard_provisioner.provision import Within, make_objects
from bellboard_provisioner.store import Changed, Object
from bellboard_provisioner.teams import Teams
from tests.unit.provisioner.test_teams import GOOD


@pytest.fixture
def teams() -> Teams:
    return Teams.model_validate(GOOD)


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "objects")


def held(tmp_path: Path) -> dict[str, bytes]:
    """Every key of every object, by where it is."""
    root = tmp_path / "objects"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


async def test_everything_is_made(teams: Teams, store: Folder, tmp_path: Path) -> None:
    """Where pods look for it."""
    await make_objects(teams, store)
    gateway = [f"gw-{n}.{kind}" for n in range(1, 5) for kind in ("nk", "sign")]
    assert {name for name in held(tmp_path) if name.startswith("bellboard-payments/")} == {
        *(f"bellboard-payments/bellboard-keys-gateway/{key}" for key in (*gateway, "session.key", "house.box")),
        *(f"bellboard-payments/bellboard-keys-memes/{key}" for key in ("bus.nk", "box.key")),
        "bellboard-payments/bellboard-keys-reaper/bus.nk",
        "bellboard-payments/bellboard-public/trust.json",
        "bellboard-payments/bellboard-public/enrolled.yaml",
    }
    assert {name for name in held(tmp_path) if name.startswith("release/")} == {
        "release/bellboard-keys-provisioner/payments.nk",
        "release/bellboard-keys-provisioner/search.nk",
        "release/bellboard-nats-accounts/accounts.conf.gz",
    }


async def test_what_others_may_know_fits_the_keys(teams: Teams, store: Folder, tmp_path: Path) -> None:
    """And holds none of them."""
    await make_objects(teams, store)
    found = held(tmp_path)
    public = "bellboard-payments/bellboard-public"
    trust = json.loads(found[f"{public}/trust.json"])["keys"]
    signed = found["bellboard-payments/bellboard-keys-gateway/gw-3.sign"].decode()
    assert trust["gw-3"] == keys.signer.public(signed)
    assert sorted(trust) == ["gw-1", "gw-2", "gw-3", "gw-4"]
    house, memes = yaml.safe_load(found[f"{public}/enrolled.yaml"])["bots"]
    assert memes["nkey"] == keys.bus_user.public(found["bellboard-payments/bellboard-keys-memes/bus.nk"].decode())
    assert house["box_key"] == keys.box.public(found["bellboard-payments/bellboard-keys-gateway/house.box"].decode())
    accounts = gzip.decompress(found["release/bellboard-nats-accounts/accounts.conf.gz"]).decode()
    assert memes["nkey"] in accounts
    for name, value in found.items():
        if "-keys-" in name:
            assert value.decode().strip() not in accounts
            assert all(value.strip() not in told for place, told in found.items() if "-keys-" not in place)


async def test_done_again_it_changes_nothing(teams: Teams, store: Folder, tmp_path: Path) -> None:
    """Not a byte."""
    await make_objects(teams, store)
    before = held(tmp_path)
    await make_objects(teams, store)
    assert held(tmp_path) == before


async def test_a_secret_that_was_half_made_is_completed(teams: Teams, store: Folder, tmp_path: Path) -> None:
    """What is there stays, and what is not ours too."""
    await make_objects(teams, store)
    before = held(tmp_path)
    secret = tmp_path / "objects/bellboard-payments/bellboard-keys-gateway"
    (secret / "gw-2.sign").unlink()
    (secret / "of-others").write_text("kept")
    await make_objects(teams, store)
    after = held(tmp_path)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {
        "bellboard-payments/bellboard-keys-gateway/gw-2.sign",
        "bellboard-payments/bellboard-keys-gateway/of-others",
        "bellboard-payments/bellboard-public/trust.json",
    }


async def test_what_is_no_key_is_not_replaced(teams: Teams, store: Folder, tmp_path: Path) -> None:
    """Something may have been made with what it was."""
    await make_objects(teams, store)
    key = tmp_path / "objects/bellboard-payments/bellboard-keys-memes/bus.nk"
    key.write_text("garbage")
    with pytest.raises(SettingsError, match=r"bus\.nk of the Secret bellboard-keys-memes in bellboard-payments holds no key"):
        await make_objects(teams, store)
    assert key.read_text() == "garbage"


async def test_a_new_generation_signs_while_the_last_is_trusted(teams: Teams, store: Folder, tmp_path: Path) -> None:
    """And the one before that is no more."""
    trusted = []
    for generation in (1, 2, 3):
        payments = teams.teams["payments"].model_copy(update={"generation": generation, "gateways": 1})
        await make_objects(teams.model_copy(update={"teams": {"payments": payments}}), store)
        trusted.append(json.loads(held(tmp_path)["bellboard-payments/bellboard-public/trust.json"])["keys"])
    assert [list(one) for one in trusted] == [["gw-1"], ["gw-1", "gw-1.2"], ["gw-1.2", "gw-1.3"]]
    assert trusted[0]["gw-1"] == trusted[1]["gw-1"]
    assert trusted[1]["gw-1.2"] == trusted[2]["gw-1.2"] != trusted[0]["gw-1"]


async def test_two_at_once_agree(teams: Teams, tmp_path: Path) -> None:
    """Each object is written by one; the other takes what that one made."""
    stores = [Slow(Folder(tmp_path / "objects")) for _ in range(2)]
    seeds = await asyncio.gather(*(make_objects(teams, store) for store in stores))
    assert seeds[0] == seeds[1]
    assert stores[0].too_late + stores[1].too_late > 0
    before = held(tmp_path)
    await make_objects(teams, stores[0])
    assert held(tmp_path) == before


async def test_one_that_was_stopped_in_it_keeps_nobody_for_ever(
    teams: Teams, store: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said after a while, and meanwhile this one can be told to end."""
    monkeypatch.setattr(folder, "PATIENCE", 0.2)
    (tmp_path / "objects").mkdir()
    with (tmp_path / "objects" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Failed, match="is being written by another all the time"):
            await make_objects(teams, store)
        monkeypatch.setattr(folder, "PATIENCE", 30.0)
        waiting = asyncio.create_task(make_objects(teams, store))
        assert not (await asyncio.wait({waiting}, timeout=0.2))[0]
    assert await asyncio.wait_for(waiting, 30)


class Slow:
    """A folder that lets others in between reading and writing. ``too_late`` counts what came to nothing."""

    def __init__(self, folder: Folder) -> None:
        self._folder, self.too_late = folder, 0

    async def owner(self, owner: Owner) -> Owner:
        return await self._folder.owner(owner)

    async def read(self, place: Place, owner: Owner) -> Object | None:
        found = await self._folder.read(place, owner)
        await asyncio.sleep(0)
        return found

    async def write(self, place: Place, data: Data, owner: Owner, known: Object | None) -> None:
        try:
            await self._folder.write(place, data, owner, known)
        except Changed:
            self.too_late += 1
            raise


def test_forty_teams_fit_into_one_object(teams: Teams) -> None:
    """Kubernetes takes a megabyte; unpacked they are more than that."""
    payments = teams.teams["payments"]
    bots = {f"bot-{n}": {"package": "p", "phrases": [f"p{n}"], "effects": ["EFFECT_READ"]} for n in range(5)}
    team = type(payments).model_validate(payments.model_dump() | {"bots": bots})
    many = teams.model_copy(update={"teams": {f"team-{n}": team for n in range(40)}})
    held = {
        name: {
            secret: objects.completed(objects.secret(team, secret), kinds, {})
            for secret, kinds in objects.secrets_of(team).items()
        }
        for name in many.teams
    }
    own = objects.completed(objects.of_provisioner(many), objects.own_kinds(many), {})
    packed = objects.accounts_of(many, held, own)[objects.ACCOUNTS]
    assert len(packed) < 1 << 18
    assert len(gzip.decompress(packed)) > 1 << 20


def test_a_deadline_passes() -> None:
    """By the clock it was given."""

    def clock() -> Iterator[float]:
        yield from (10.0, 12.0, 16.0)

    ticks = clock()
    deadline = Within(5.0, lambda: next(ticks))
    assert [deadline.left(), deadline.left()] == [3.0, -1.0]
