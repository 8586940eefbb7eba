"""The data folder: made once, completed when broken off, and never guessed at."""

from __future__ import annotations

import base64
import getpass
import hashlib
import json
import stat
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bellboard.api.options.v1 import options_pb2 as options
from bellboard.errors import SettingsError
from bellboard.hooks import read
from bellboard.provision import House, HouseError, enrol, keys

MEMES = enrol.enrolment(
    "memes",
    module="bellboard_memes",
    package="bellboard.api.memes.v1",
    phrases=["meme", "roll"],
    effects=[options.EFFECT_READ],
    open=True,
)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def made(tmp_path: Path) -> House:
    """A house with the bot memes."""
    house = House(tmp_path / "house")
    house.make(bots=[MEMES])
    return house


def test_making_it_again_changes_nothing(made: House) -> None:
    """Every key and every setting stays."""
    before = everything(made.folder)
    made.make(bots=[MEMES])
    House(made.folder).make()
    assert everything(made.folder) == before


def test_nobody_else_may_read_its_keys(made: House) -> None:
    """Folders are 0700 and secrets 0600, and nothing half-written lies about."""
    for path in (made.folder, *made.folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        elif path.parent == made.keys or path in (made.people, made.hooks, made.server_config):
            assert mode == 0o600, path
        assert not path.name.endswith(".tmp")


def test_the_first_webhooks_have_secrets_of_their_own(made: House, tmp_path: Path) -> None:
    """Each another, in every house; and what is written there later stays."""
    other = House(tmp_path / "other")
    other.make()
    first = read(made.hooks)
    assert {name: (hook.format, hook.bot, hook.auth) for name, hook in first.items()} == {
        "alertmanager": ("alertmanager", "oncall", "path"),
        "grafana": ("grafana", "oncall", "path"),
        "generic": ("generic", "oncall", "hmac"),
    }
    secrets = [secret for house in (made, other) for hook in read(house.hooks).values() for secret in hook.secret]
    assert len(set(secrets)) == 6
    made.hooks.write_text("hooks: {}\n")
    made.make()
    assert not read(made.hooks)


def test_the_on_call_bot_is_told_of_its_files(made: House) -> None:
    """Whether they are there or not: it reads them when they are."""
    env = made.service_env("oncall")
    files = {name: Path(env[f"BELLBOARD_{name}_FILE"]).name for name in ("ONCALL", "ALERTS", "PEOPLE")}
    assert files == {"ONCALL": "oncall.yaml", "ALERTS": "alerts.yaml", "PEOPLE": "people.yaml"}
    assert "BELLBOARD_PEOPLE_FILE" not in made.service_env("memes")


def test_the_first_person_owns_it(made: House) -> None:
    """Whoever starts it is in the group owners, by the hash of a token that lies beside the keys."""
    people = yaml.safe_load(made.people.read_text())
    (owner,) = people["people"]
    assert owner["name"] == getpass.getuser()
    assert owner["groups"] == ["owners"]
    assert owner["tokens"] == [hashlib.sha256(made.local_token().encode()).hexdigest()]
    assert [room["id"] for room in people["rooms"]] == ["general", "ops", "play"]


def test_bots_can_check_every_gateway(made: House) -> None:
    """The trust file holds the public half of each gateway's own key."""
    trusted = json.loads(made.trust.read_text())["keys"]
    assert set(trusted) == {"gw-1", "gw-2"}
    for name, public in trusted.items():
        private = base64.b64decode((made.keys / f"{name}.sign").read_text())
        assert Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() == base64.b64decode(public)


def test_the_house_bot_is_always_enrolled(made: House) -> None:
    """It runs inside the gateway, so it has a box key but no bus user."""
    house, memes = made.enrolments()
    assert (house.bot, house.nkey, house.module, house.open) == ("house", "", "", True)
    assert "help" in house.phrases
    assert house.box_key
    assert memes.nkey.startswith("U")
    assert memes.box_key == keys.box(made.keys / "memes.box")


@pytest.mark.parametrize("broken_off_at", range(12))
def test_a_broken_off_start_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_off_at: int) -> None:
    """Whichever write it ended at, starting again finishes it and keeps what was there."""
    house, written = House(tmp_path / "house"), 0
    real = keys.write

    def write(path: Path, text: str, mode: int = 0o600) -> None:
        nonlocal written
        written += 1
        if written > broken_off_at:
            raise KeyboardInterrupt
        real(path, text, mode)

    with monkeypatch.context() as patch:
        patch.setattr(keys, "write", write)
        with pytest.raises(KeyboardInterrupt):
            house.make(bots=[MEMES])
    before = everything(house.keys)
    house.make(bots=[MEMES])
    assert before.items() <= everything(house.keys).items()
    assert [one.bot for one in house.enrolments()] == ["house", "memes"]


@pytest.mark.parametrize(
    "lost", ["keys/gw-1.nk", "keys/reaper.nk", "keys/gw-2.sign", "keys/session.key", "enrolled.yaml", "people.yaml"]
)
def test_what_was_there_and_is_gone_is_named(made: House, lost: str) -> None:
    """A new key in place of a lost one would lock everyone out, silently."""
    (made.folder / lost).unlink()
    with pytest.raises(HouseError, match=f"{lost} is missing") as caught:
        made.make()
    assert "move the folder away" in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("broken", ["gw-1.nk", "memes.nk", "gw-1.sign", "house.box"])
@pytest.mark.parametrize("text", ["", "garbage", "U" * 58])
def test_a_broken_key_is_named_and_never_shown(made: House, broken: str, text: str) -> None:
    """One line, whatever lies in the file."""
    (made.keys / broken).write_text(text)
    with pytest.raises(HouseError, match=f"{broken} holds no key") as caught:
        made.enrol(MEMES) if broken == "memes.nk" else made.make()
    assert "garbage" not in str(caught.value)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """Nothing is made in a folder that holds other things."""
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(HouseError, match="holds no Bellboard"):
        House(tmp_path).make()
    assert everything(tmp_path) == {"thesis.txt": b"x"}


def test_a_folder_of_another_team_is_left_alone(made: House) -> None:
    """One team a folder."""
    with pytest.raises(HouseError, match="belongs to the team 'home'"):
        made.make("night shift")


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    """One line that says what is not a folder."""
    (tmp_path / "house").write_text("x")
    with pytest.raises(HouseError, match="house is not a folder"):
        House(tmp_path / "house").make()


def test_a_bot_keeps_its_keys_when_it_is_enrolled_anew(made: House) -> None:
    """What it may be changes, who it is does not."""
    before = {one.bot: one for one in made.enrolments()}["memes"]
    changed = enrol.enrolment("memes", module="other", package="other.v1", phrases=["meme"], effects=[options.EFFECT_ONCE])
    after = made.enrol(changed)
    assert (after.nkey, after.box_key) == (before.nkey, before.box_key)
    assert (after.package, list(after.effects), after.open) == ("other.v1", [options.EFFECT_ONCE], False)
    made.make(bots=[MEMES])  # an operator's word stands, whatever is installed
    assert {one.bot: one for one in made.enrolments()}["memes"] == after


def test_a_phrase_belongs_to_one_bot(made: House) -> None:
    """A second claim is refused loudly."""
    for phrase in ("meme", "help"):
        other = enrol.enrolment("other", module="", package="o.v1", phrases=[phrase], effects=[])
        with pytest.raises(HouseError, match=f"'{phrase}' belongs to the bot"):
            made.enrol(other)


@pytest.mark.parametrize("name", ["", "A", "a.b", "a b", "*", "1st", "x" * 32, "house", "gw-1", "reaper", "../keys"])
def test_not_every_name_can_be_a_bots(name: str) -> None:
    """It becomes part of subjects, accounts and file names, and some are taken."""
    with pytest.raises(SettingsError):
        enrol.enrolment(name, module="", package="", phrases=[], effects=[])


@pytest.mark.parametrize("text", ["", "bots: 1", "bots: [{bots: 1}]", "bots: [{bot: a, effects: [WRONG]}]", "[", "- a"])
def test_a_broken_list_of_bots_is_named(made: House, text: str) -> None:
    """One line that names the file."""
    made.enrolled.write_text(text)
    with pytest.raises(SettingsError, match=r"enrolled\.yaml is not a list of bots") as caught:
        made.enrolments()
    assert "\n" not in caught.value.text


def test_each_service_gets_what_it_needs_and_no_more(made: House) -> None:
    """A bot's environment names none of the gateway's keys."""
    made.configure(4321)
    gateway, reaper, memes = (made.service_env(name) for name in ("gw-1", "reaper", "memes"))
    assert {env["BELLBOARD_BUS_URL"] for env in (gateway, reaper, memes)} == {"nats://127.0.0.1:4321"}
    assert gateway["BELLBOARD_KEY_ID"] == "gw-1"
    for env, allowed in ((memes, {"memes.nk", "memes.box"}), (reaper, {"reaper.nk"})):
        assert {Path(value).name for value in env.values() if str(made.keys) in value} == allowed
    for env in (gateway, reaper, memes):
        for name, value in env.items():
            if name.endswith("_FILE") and Path(value) != made.trackers:  # which is there where somebody wrote one
                assert Path(value).exists(), name
    lines = (made.services / "memes.env").read_text().splitlines()
    assert dict(line.split("=", 1) for line in lines) == memes


def test_every_service_has_a_folder_of_its_own(made: House) -> None:
    """A bot knows where the sandbox is too; a gateway need not."""
    env = made.service_env("memes")

    folder = Path(env["BELLBOARD_DATA_DIR"])
    assert folder == made.folder / "bots" / "memes"
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert env["BELLBOARD_SANDBOX_DIR"] == str(made.folder / "sandbox")
    for service in ("gw-1", "reaper"):
        other = made.service_env(service)
        assert other["BELLBOARD_DATA_DIR"] == str(made.folder / "bots" / service)
        assert "BELLBOARD_SANDBOX_DIR" not in other
