"""The bus's configuration: who may do what, and what can't be turned off by accident."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bellboard.provision import House, accounts, server
from bellboard.provision.layout import STREAMS, consumers, consumers_of, streams

FOR_ALL = {"$JS.API.DIRECT.GET.BLOB.blob.gw.>", "$JS.API.DIRECT.GET.MARK", "$JS.API.DIRECT.GET.MARK.>"}
"""What every bot may read: what people upload, and what has an id."""


@pytest.fixture
def text(house: House) -> str:
    """The configuration of a house with memes and practice."""
    return house.server_config.read_text()


def test_an_acknowledged_write_is_on_disk(text: str) -> None:
    """The server's own default loses acknowledged writes when the power fails."""
    assert re.search(r"^\s*sync_interval: always$", text, re.MULTILINE)
    assert "async" not in text


def test_nothing_is_open_that_need_not_be(text: str) -> None:
    """Loopback; no monitoring, no other protocols, nobody without a key; allow-lists only."""
    assert '\nhost: "127.0.0.1"\n' in text
    for word in (
        "http",
        "monitor_port",
        "websocket",
        "mqtt",
        "leafnodes",
        "no_auth_user",
        "deny",
        "password",
        "token",
        "0.0.0.0",
    ):
        assert word not in text
    assert re.search(r'allow":\[[^]]*">"', text) is None


def test_no_secret_is_in_it(house: House, text: str) -> None:
    """Public keys alone."""
    for key in house.keys.iterdir():
        assert key.read_text().strip() not in text


def test_the_server_takes_it(house: House) -> None:
    """As the server itself sees it."""
    command = [str(server.binary()), "-t", "--config", str(house.server_config)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("bot", ["memes", "practice"])
def test_a_bot_may_name_only_itself(bot: str) -> None:
    """Every subject that its account imports holds its own name or its own consumer's, but for uploads and marks."""
    for one in accounts.imports_of(bot):
        own = f".{bot}." in one.subject or one.subject.endswith((f"LED.{bot}-read", f"LED.{bot}-work"))
        own = own or re.search(rf"LED\.{bot}-(read|work)\.>$", one.subject) is not None
        own = own or re.search(rf"DIRECT\.GET\.KEEP_{bot}(\.>)?$", one.subject) is not None
        assert own or one.subject in FOR_ALL, one.subject
        assert not re.search(r"STREAM|CONSUMER\.(CREATE|DELETE|INFO|DURABLE)", one.subject)
    assert accounts.heard_by(bot) == f"ctl.{bot}.>"


def test_nobody_may_delete(text: str) -> None:
    """Not even the provisioner."""
    for verb in ("DELETE", "PURGE", "RESTORE", "STEPDOWN", "PAUSE"):
        assert verb not in text


def test_only_the_gateway_and_the_reaper_let_commands_run(text: str) -> None:
    """The right to write `.run` is theirs."""
    may = [line for line in text.splitlines() if '"led.*.*.*.run"' in line]
    assert len(may) == 3  # two gateways, one reaper
    assert sum('"led.*.*.*.gw"' in line for line in text.splitlines()) == 2
    assert sum('"led.*.*.*.reap"' in line for line in text.splitlines()) == 1


def test_every_import_is_exported_to_that_account_alone(text: str) -> None:
    """No export is open to all accounts."""
    exports = re.findall(r'\{(?:service|stream): "([^"]+)".*accounts: \["(\w+)"\]\}', text)
    assert len(exports) == sum(len(accounts.imports_of(bot)) + 1 for bot in ("memes", "practice"))
    for subject, account in exports:
        assert account.removeprefix("B_") in subject or subject in FOR_ALL


def test_a_path_with_quotes_and_spaces_stays_a_path(tmp_path: Path) -> None:
    """People call folders what they like."""
    house = House(tmp_path / 'a "b" c')
    house.make()
    command = [str(server.binary()), "-t", "--config", str(house.server_config)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_streams_and_consumers_do_not_overlap() -> None:
    """Each subject has one stream, each command one consumer."""
    assert len({stream.subjects.split(".")[0] for stream in STREAMS}) == len(STREAMS)
    kept = [stream for stream in streams(["memes", "practice"]) if stream not in STREAMS]
    assert [(one.name, one.subjects) for one in kept] == [("KEEP_memes", "keep.memes.>"), ("KEEP_practice", "keep.practice.>")]
    found = consumers(["house", "memes", "practice"])
    assert len({one.name for one in found}) == len(found) == 7
    filters = [one for consumer in found for one in consumer.filters]
    assert len(filters) == len(set(filters))
    read, work = consumers_of("memes")
    assert (read.config()["max_ack_pending"], work.config()["max_ack_pending"]) == (256, 64)
    assert read.config()["max_deliver"] == -1


def test_a_server_that_does_not_run_is_not_told(tmp_path: Path) -> None:
    """Reloading is for one that runs; the next start reads the file anyway."""
    assert not server.reload(tmp_path / "nats.pid")
    (tmp_path / "nats.pid").write_text("no number")
    assert not server.reload(tmp_path / "nats.pid")
