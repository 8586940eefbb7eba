"""What objects there are to be, given what is there. No I/O: keys are made here, and kept by `store`.

=========  ===============================  ================================================================================
namespace  object                           keys
=========  ===============================  ================================================================================
team       Secret bellboard-keys-<bot>      ``bus.nk``, ``box.key``
team       Secret bellboard-keys-reaper     ``bus.nk``
team       Secret bellboard-keys-gateway    ``gw-1.nk``, ``gw-1.sign`` …, ``session.key``, ``house.box``
team       ConfigMap bellboard-public       ``trust.json``, ``enrolled.yaml``, perhaps ``bus-ca.crt``
release    Secret <release>-keys-provisioner  ``<team>.nk``
release    ConfigMap <release>-nats-accounts  ``accounts.conf.gz``
=========  ===============================  ================================================================================

A key that is there is never changed, one that is missing is made. What others may know is derived from the keys.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import orjson

from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.errors import SettingsError
from bellboard.provision import accounts, enrol, keys
from bellboard.provision.accounts import PROVISIONER, REAPER

from .teams import Team, Teams

GATEWAY = "gateway"
BUS, BOX = "bus.nk", "box.key"
SESSION, HOUSE_BOX = "session.key", "house.box"
ACCOUNTS = "accounts.conf.gz"
BUS_CA = "bus-ca.crt"

Data = Mapping[str, bytes]
"""What an object holds, by key."""

Kinds = Mapping[str, keys.Kind]
"""Which keys a Secret is to hold."""


class Sort(StrEnum):
    """The two sorts of objects, as Kubernetes calls them."""

    SECRET = "Secret"  # noqa: S105  # a word, and no password
    CONFIG_MAP = "ConfigMap"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is; an empty namespace is that of the release."""

    sort: Sort
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.sort} {self.name}" + (f" in {self.namespace}" if self.namespace else "")


@dataclass(frozen=True, slots=True)
class Owner:
    """The ConfigMap of the chart that an object goes away with: where it is, and, once it was looked up, its uid."""

    namespace: str
    name: str
    uid: str = ""


def owner_of(team: Team) -> Owner:
    """What a team's objects belong to."""
    return Owner(team.namespace, "bellboard-team")


def owner_of_release(teams: Teams) -> Owner:
    """What the release's objects belong to."""
    return Owner("", f"{teams.release}-teams")


def secret(team: Team, name: str) -> Place:
    """The Secret of a bot, "reaper", or "gateway"."""
    return Place(Sort.SECRET, team.namespace, f"bellboard-keys-{name}")


def public(team: Team) -> Place:
    return Place(Sort.CONFIG_MAP, team.namespace, "bellboard-public")


def of_provisioner(teams: Teams) -> Place:
    return Place(Sort.SECRET, "", f"{teams.release}-keys-{PROVISIONER}")


def of_server(teams: Teams) -> Place:
    return Place(Sort.CONFIG_MAP, "", f"{teams.release}-nats-accounts")


def seed_of(team: str) -> str:
    """The key of the provisioner's Secret with its seed for a team."""
    return f"{team}.nk"


def signing_keys(team: Team) -> list[str]:
    """The ids of the signing keys that are trusted: of this generation, and of the last. The first one's bear no number."""
    generations = [n for n in (team.generation - 1, team.generation) if n > 0]
    return [user if n == 1 else f"{user}.{n}" for n in generations for user in team.users]


def secrets_of(team: Team) -> dict[str, Kinds]:
    """Which keys each of a team's Secrets is to hold, by the name that `secret` takes."""
    bots = {one.bot: {BUS: keys.bus_user, BOX: keys.box} for one in team.enrolments if one.bot != enrol.HOUSE}
    gateway = {f"{user}.nk": keys.bus_user for user in team.users}
    gateway |= {f"{id}.sign": keys.signer for id in signing_keys(team)}
    gateway |= {SESSION: keys.token, HOUSE_BOX: keys.box}
    return {**bots, REAPER: {BUS: keys.bus_user}, GATEWAY: gateway}


def completed(place: Place, kinds: Kinds, there: Data) -> dict[str, bytes]:
    """A Secret's data, with the keys that are missing.

    Raises:
        SettingsError: what is there is no key. It is not replaced: something may have been made with it.
    """
    whole = dict(there)
    for name, kind in kinds.items():
        whole.setdefault(name, kind.make().encode())
        _public(place, kinds, whole, name)
    return whole


def public_of(team: Team, held: Mapping[str, Data]) -> dict[str, bytes]:
    """What a team's services may all know: the signing keys that they trust, and which bots there are."""
    kinds = secrets_of(team)

    def known(name: str, key: str) -> str:
        return _public(secret(team, name), kinds[name], held[name], key)

    trust = {id: known(GATEWAY, f"{id}.sign") for id in signing_keys(team)}
    enrolled = []
    for told in team.enrolments:
        one = registry.Enrolment()
        one.CopyFrom(told)
        if one.bot == enrol.HOUSE:
            one.box_key = known(GATEWAY, HOUSE_BOX)
        else:
            one.nkey, one.box_key = known(one.bot, BUS), known(one.bot, BOX)
        enrolled.append(one)
    text = orjson.dumps({"keys": trust}, option=orjson.OPT_INDENT_2)
    return {"trust.json": text, "enrolled.yaml": enrol.text(enrolled).encode()}


def accounts_of(teams: Teams, held: Mapping[str, Mapping[str, Data]], own: Data) -> dict[str, bytes]:
    """The bus's accounts, packed: for forty teams they are larger than an object may be.

    Args:
        held: the data of each team's Secrets.
        own: the data of the provisioner's.
    """
    made = []
    for name, team in teams.teams.items():
        kinds, data = secrets_of(team), held[name]
        users = {user: _public(secret(team, GATEWAY), kinds[GATEWAY], data[GATEWAY], f"{user}.nk") for user in team.users}
        users[REAPER] = _public(secret(team, REAPER), kinds[REAPER], data[REAPER], BUS)
        users[PROVISIONER] = _public(of_provisioner(teams), own_kinds(teams), own, seed_of(name))
        bots = {bot: _public(secret(team, bot), kinds[bot], data[bot], BUS) for bot in team.bots}
        made.append(accounts.Team(users, bots, name, team.limits_of(teams.replicas)))
    return {ACCOUNTS: gzip.compress(accounts.block(made).encode(), mtime=0)}


def own_kinds(teams: Teams) -> Kinds:
    """The provisioner has a user in each team."""
    return {seed_of(name): keys.bus_user for name in teams.teams}


def _public(place: Place, kinds: Kinds, data: Data, key: str) -> str:
    try:
        return kinds[key].public(data[key].decode())
    except ValueError:
        raise SettingsError(
            f"{key} of the {place} holds no key", hint="restore it from a copy, or delete it to have a new one made"
        ) from None
