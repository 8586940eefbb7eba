"""The accounts of several teams on one bus: names that can't be mistaken for each other, and no way from team to team."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bellboard.errors import SettingsError
from bellboard.provision import accounts, enrol, keys, server
from bellboard.provision.accounts import Limits, Team

LIMITS = Limits(storage=8 << 30, memory=0, streams=64, consumers=256)


@pytest.fixture
def teams(tmp_path: Path) -> list[Team]:
    """Two teams whose names and bots could be run together into the same words."""

    def key() -> str:
        return keys.bus_user.public(keys.bus_user.make())

    users = (*accounts.gateways(3), accounts.REAPER, accounts.PROVISIONER)
    return [
        Team({user: key() for user in users}, {bot: key() for bot in bots}, name, LIMITS)
        for name, bots in (("pay", ["ments-memes", "memes"]), ("pay-ments", ["memes", "k8s"]))
    ]


def test_no_team_imports_anything_of_another(teams: list[Team]) -> None:
    """Each bot imports from its own team's account, which exports to its own bots alone."""
    text = accounts.block(teams)
    own = {team.core: {team.account(bot) for bot in team.bots} for team in teams}
    blocks = re.split(r"^  (?=\S+ \{$)", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len({block.split()[0] for block in blocks}) == 6
    for block in blocks:
        name = block.split()[0].strip('"')
        assert set(re.findall(r'accounts: \["([^"]+)"\]', block)) == own.get(name, set())
        for imported in re.findall(r"account: ([^,]+),", block):
            assert name in own[imported]


def test_a_team_has_no_more_than_its_limits(teams: list[Team]) -> None:
    """Bots' accounts have no JetStream at all."""
    text = accounts.block(teams)
    assert text.count("jetstream: {max_mem: 0, max_file: 8589934592, max_streams: 64, max_consumers: 256}") == 2
    assert text.count("jetstream") == 2


def test_every_gateway_may_do_the_same(teams: list[Team]) -> None:
    """However many there are."""
    text = accounts.block(teams)
    assert sum('"led.*.*.*.gw"' in line for line in text.splitlines()) == 6


def test_the_server_takes_it(teams: list[Team], tmp_path: Path) -> None:
    """As the server itself sees it, in a file of its own."""
    (tmp_path / "accounts.conf").write_text(accounts.block(teams))
    (tmp_path / "nats.conf").write_text(f'jetstream {{ store_dir: "{tmp_path}" }}\ninclude "accounts.conf"\n')
    command = [str(server.binary()), "-t", "--config", str(tmp_path / "nats.conf")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", ["gw-1", "gw-17", "reaper", "provisioner", "core"])
def test_no_bot_goes_by_the_name_of_a_user_of_core(name: str) -> None:
    """Whatever number a gateway has."""
    with pytest.raises(SettingsError, match="taken by Bellboard"):
        enrol.enrolment(name, module="", package="p.v1", phrases=["x"], effects=[])


def test_a_file_that_names_another_process_has_none_told(tmp_path: Path) -> None:
    """A server that was killed leaves its number behind, and numbers are given out again."""
    other = subprocess.Popen(["sleep", "60"])
    (tmp_path / "nats.pid").write_text(str(other.pid))
    assert not server.reload(tmp_path / "nats.pid")
    assert other.poll() is None
    other.kill()
    other.wait()
