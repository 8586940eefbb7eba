"""teams.json: what is wrong with it is said in one line that names the place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bellboard.errors import SettingsError
from bellboard_provisioner.main import main
from bellboard_provisioner.teams import Teams

MEMES = {"package": "bellboard.api.memes.v1", "phrases": ["meme", "roll"], "effects": ["EFFECT_READ"], "open": True}
LIMITS = {"storage": 1 << 30, "memory": 0, "streams": 64, "consumers": 256}
GOOD = {
    "release": "bellboard",
    "replicas": 3,
    "teams": {
        "payments": {"namespace": "bellboard-payments", "gateways": 4, "limits": LIMITS, "bots": {"memes": MEMES}},
        "search": {"namespace": "bellboard-search", "limits": LIMITS, "bots": {}},
    },
}
Change = Callable[[dict[str, Any]], object]


def read(path: Path, told: Any) -> Teams:
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    return Teams.read(path)


def test_what_is_right_is_read(tmp_path: Path) -> None:
    """With what may be left out."""
    teams = read(tmp_path / "teams.json", GOOD)
    payments, search = teams.teams["payments"], teams.teams["search"]
    assert payments.users == ("gw-1", "gw-2", "gw-3", "gw-4")
    assert [one.bot for one in payments.enrolments] == ["house", "memes"]
    assert (search.gateways, search.generation) == (2, 1)


def test_every_copy_of_a_message_counts(tmp_path: Path) -> None:
    """The server's limit is of all copies; what is told is of messages."""
    team = read(tmp_path / "teams.json", GOOD).teams["payments"]
    assert team.limits_of(3).storage == 3 << 30


def _team(change: Change) -> Change:
    return lambda told: change(told["teams"]["payments"])


def _bot(**fields: Any) -> Change:
    return _team(lambda team: team["bots"]["memes"].update(fields))


WRONG: list[tuple[Change, str]] = [
    (lambda told: told.pop("release"), "release: field required"),
    (lambda told: told.update(replicas=2), "replicas: input should be 1, 3 or 5"),
    (lambda told: told.update(extra=1), "extra: extra inputs are not permitted"),
    (lambda told: told["teams"].update(Pay={}), "teams.Pay: string should match pattern"),
    (_team(lambda team: team.update(gateways=0)), "teams.payments.gateways: input should be greater than or equal to 1"),
    (_team(lambda team: team.update(generation=0)), "teams.payments.generation"),
    (_team(lambda team: team.update(namespace="A b")), "teams.payments.namespace"),
    (_team(lambda team: team.update(namespace="bellboard-search")), "teams.search.namespace: it is that of payments"),
    (_team(lambda team: team["limits"].update(storage=1000)), "teams.payments.limits.storage"),
    (_team(lambda team: team.update(limits=LIMITS | {"streams": 3})), "teams.payments: limits.streams: these bots need 14"),
    (_team(lambda team: team.update(limits=LIMITS | {"consumers": 1})), "teams.payments: limits.consumers: these bots need 5"),
    (_team(lambda team: team["bots"].update({"gw-3": MEMES})), "bots.gw-3: the name is taken by Bellboard itself"),
    (_team(lambda team: team["bots"].update({"UP": MEMES})), "teams.payments.bots.UP"),
    (_team(lambda team: team["bots"].update(dice=MEMES)), "bots: 'meme' belongs to both memes and dice"),
    (_bot(phrases=["help"]), "bots: 'help' belongs to both house and memes"),
    (_bot(phrases=[]), "bots.memes: it needs a package, phrases and effects"),
    (_bot(effects=["EFFECT_MAGIC"]), "bots.memes: Failed to parse effects field"),
    (_bot(nkey="U"), "bots.memes: its keys are made, not given"),
    (_bot(bot="dice"), "bots.memes.bot: it says 'dice'"),
    (_bot(wings=2), "bots.memes: Message type"),
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_is_named(tmp_path: Path, change: Change, said: str) -> None:
    """In one line."""
    told = copy.deepcopy(GOOD)
    change(told)
    with pytest.raises(SettingsError) as wrong:
        read(tmp_path / "teams.json", told)
    assert said in wrong.value.text
    assert "\n" not in wrong.value.text


@pytest.mark.parametrize("told", ["", "{", "[]", '"x"', "null"])
def test_what_is_no_such_file_is_refused(tmp_path: Path, told: str) -> None:
    """Nor one that is cut off."""
    with pytest.raises(SettingsError, match=r"teams\.json"):
        read(tmp_path / "teams.json", told)


@pytest.mark.parametrize("file", ["nowhere.json", "teams.json"])
def test_a_wrong_file_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    """With 78, and one line."""
    (tmp_path / "teams.json").write_text('{"release": "b", "teams": {"a": {}}}')
    monkeypatch.setenv("BELLBOARD_TEAMS_FILE", str(tmp_path / file))
    monkeypatch.setenv("BELLBOARD_OBJECTS_DIR", str(tmp_path / "objects"))
    assert main(["provision"]) == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("provisioner: ")
    assert "Traceback" not in line
    assert not (tmp_path / "objects").exists()


def test_it_says_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    """When it is asked for something else."""
    assert main(["dance"]) == 78
    assert "keys, provision, unpack, reload" in capsys.readouterr().err
