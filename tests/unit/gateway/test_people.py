"""The people's file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bellboard.errors import SettingsError
from bellboard_gateway.people import People, hash_token
from bellboard_gateway.scope import RoomScope

GOOD = f"""
people:
  - id: ann
    name: Ann Lee
    groups: [owners, sre]
    tokens: [{hash_token("ann-token")}]
    accounts: [{{system: slack, workspace: T1, user: U1}}]
  - {{id: bob, name: Ann Lee}}
rooms: [{{id: general, title: General}}]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "people.yaml"
    path.write_text(GOOD)
    return path


def test_people_are_found_by_id_token_and_account(path: Path) -> None:
    """Three ways to one person."""
    people = People(path)
    ann = people.person("ann")
    assert ann is not None
    assert ann == people.by_token("ann-token") == people.by_account("slack", "T1", "U1")
    assert people.groups == ("owners", "sre")
    assert people.room("general")


@pytest.mark.parametrize(
    ("system", "workspace", "user"), [("slack", "T2", "U1"), ("irc", "T1", "U1"), ("slack", "T1", "Ann Lee")]
)
def test_an_account_is_its_system_workspace_and_id(path: Path, system: str, workspace: str, user: str) -> None:
    """Another workspace, another system, or a display name is somebody else."""
    assert People(path).by_account(system, workspace, user) is None


@pytest.mark.parametrize("token", ["", "bob", "ann-toke", hash_token("ann-token")])
def test_a_wrong_token_is_nobodys(path: Path, token: str) -> None:
    """Its hash is no token either."""
    assert People(path).by_token(token) is None


def test_a_room_has_no_members(path: Path) -> None:
    """Everybody may see all of it, which SECURITY.md says; ids of what happened hide nothing from anybody for that reason."""
    path.write_text(GOOD.replace("title: General", "title: General, members: [ann]"))
    with pytest.raises(SettingsError, match="members"):
        People(path)


def test_the_file_is_read_again_when_it_changes(path: Path) -> None:
    """And the version counts on."""
    people = People(path)
    path.write_text(GOOD.replace("id: bob", "id: robert"))
    people._file.look(now=True)
    assert people.person("robert")
    assert people.version == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: bob", "id: ann", "twice"),
        ("id: bob", "id: B!", "people.1.id"),
        ("id: bob", "id: bob, grups: [owners]", "people.1.grups"),
        ("people:", "people: [", "no YAML"),
        ("rooms:", "rooms: 3 #", "rooms"),
    ],
)
def test_a_bad_file_keeps_the_old_one(path: Path, old: str, new: str, said: str) -> None:
    """It says where; at the first start it is refused."""
    people = People(path)
    path.write_text(GOOD.replace(old, new))
    people._file.look(now=True)
    assert people.person("bob")
    assert said in people.problem
    with pytest.raises(SettingsError) as caught:
        People(path)
    assert said in str(caught.value)


def test_no_complaint_shows_a_token(path: Path) -> None:
    """Not even a wrong one."""
    path.write_text(GOOD.replace(hash_token("ann-token"), "my-secret-token"))
    with pytest.raises(SettingsError) as caught:
        People(path)
    assert "my-secret-token" not in str(caught.value)


def test_a_file_that_is_gone_keeps_the_old_one(path: Path) -> None:
    """As an editor may leave it for a moment."""
    people = People(path)
    path.unlink()
    people._file.look(now=True)
    assert people.person("ann")


class NoPictures:
    def last_picture(self, room: str, person: str = "") -> None:
        return None


def test_a_scope_lists_whom_and_where_a_word_may_mean(path: Path) -> None:
    """So that a slip of a name is answered with the nearest one, and completion has something to offer."""
    scope = RoomScope(People(path), NoPictures(), "general")
    assert scope.person("Ann") == "ann"
    assert scope.people() == ("ann", "bob")
    assert scope.rooms() == ("general",)


def test_a_line_is_typed_in_the_zone_of_its_person(path: Path) -> None:
    """UTC for whoever has none, and for bots."""
    path.write_text("people: [{id: ann, zone: Asia/Kolkata}, {id: bob}]\nrooms: [{id: general}]\n")
    people = People(path)
    offsets = [RoomScope(people, NoPictures(), "general", who).now().utcoffset() for who in ("ann", "bob", "")]
    assert offsets == [timedelta(hours=5.5), timedelta(0), timedelta(0)]


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../../etc/passwd", "Europe"])
def test_a_wrong_zone_is_refused_with_whose_it_is(path: Path, zone: str) -> None:
    """At the start, and not when a time is typed."""
    path.write_text(f"people: [{{id: ann, zone: '{zone}'}}]\n")
    with pytest.raises(SettingsError, match="ann: there is no time zone"):
        People(path)
