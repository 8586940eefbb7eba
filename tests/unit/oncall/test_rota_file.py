"""A wrong file is refused with its line, and the first hour that it would harm; what was in force stays so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bellboard import SettingsError
from bellboard_oncall.given import Given
from bellboard_oncall.rota.book import Book
from tests.unit.oncall.rotas import NOW, rotas, team

GOOD = """teams:
  payments:
    zone: Europe/Berlin
    rota:
      layers: {people: [ann, bo], starts: 2020-01-06T09:00, every: 1 week}
"""
"""It began long ago, since books go by today."""

LINE_5 = {
    "people: [ann, zed]": ("there is nobody “zed”", "by their id"),
    "people: []": ("nobody takes turns", ""),
    "zone: Mars/Base": ("no time zone “Mars/Base”", "Europe/Berlin"),
    "starts: soon": ("“soon” is no date", "2026-11-02T09:00"),
    "starts: 2026-13-45": ("“2026-13-45” is no date", ""),
    "starts: 2026-11-02T09:00Z": ("names a zone of its own", "leave it out"),
    "people: [an]": ("there is nobody “an”", "did you mean ann?"),
    "zone: Europe/berln": ("there is no time zone", "did you mean Europe/Berlin?"),
    "every: 1 fortnight": ("no length of a turn", "2 weeks"),
    "every: 0 days": ("no length of a turn", ""),
    "until: 2026-01-01": ("it ends before it begins", ""),
    "evry: 1 week": ("“evry” is not known", "did you mean every?"),
    "restrict: {days: xyz}": ("“xyz” is no weekday", ""),
    'restrict: {from: "25:00"}': ("“25:00” is no time of the day", ""),
    "on_holidays: skip": ("not said whose holidays", "holidays: DE"),
}


@pytest.mark.parametrize("wrong", LINE_5)
def test_what_is_wrong_is_named_with_its_line(wrong: str) -> None:
    """And with what would be right."""
    key = wrong.partition(":")[0]
    said = {"people": "people: [ann, bo]", "starts": "starts: 2026-11-02T09:00", "every": "every: 1 week"} | {key: wrong}
    text = f"teams:\n  payments:\n    zone: Europe/Berlin\n    rota:\n      layers: {{{', '.join(said.values())}}}\n"

    with pytest.raises(SettingsError) as caught:
        rotas(text)

    why, hint = LINE_5[wrong]
    assert "oncall.yaml, line 5: " in caught.value.text
    assert why in caught.value.text
    assert hint in caught.value.hint


def test_clocks_that_change_on_different_days_are_found() -> None:
    """Two rotations share the day from two continents: for two weeks in March they meet, and leave an hour out."""
    with pytest.raises(SettingsError) as caught:
        team("""
layers:
  - rotations:
      - {people: [ann], starts: 2026-11-02, every: 1 day, restrict: {from: "08:00", to: "20:00"}}
      - {people: [bo], starts: 2026-11-02, every: 1 day, zone: America/New_York, restrict: {from: "14:00", to: "02:00"}}
""")

    assert caught.value.text == (
        "oncall.yaml, line 8: ann and bo are both on call for payments (layer1) from Sun 2027-03-14 19:00 CET"
    )


def test_a_gap_at_night_is_refused_unless_it_is_meant() -> None:
    """The first one counts from when the rota is read."""
    layers = 'layers: {people: [ann], starts: 2026-11-02, every: 1 week, restrict: {days: mon-fri, from: "09:00", to: "17:00"}}'
    with pytest.raises(SettingsError, match="nobody is on call for payments from Mon 2026-11-02 17:00 CET, for 16 h"):
        team(layers)

    assert team(f"{layers}\ngaps: true").gaps


def test_a_rota_that_starts_far_ahead_has_a_gap() -> None:
    """A new team's may start within a month."""
    with pytest.raises(SettingsError, match="nobody is on call for payments until its rota starts, Mon 2027-02-01 00:00 CET"):
        team("layers: {people: [ann], starts: 2027-02-01, every: 1 week}")
    team("{gaps: true, layers: {people: [ann], starts: 2027-02-01, every: 1 week}}")
    team("layers: {people: [ann], starts: 2026-11-16, every: 1 week}")


def test_a_rota_that_ends_has_a_gap() -> None:
    """And so has one of holidays that nobody works."""
    with pytest.raises(SettingsError, match="from Thu 2027-01-07 00:00 CET"):
        team("layers: {people: [ann], starts: 2026-11-02, every: 1 day, until: 2027-01-07}")
    with pytest.raises(SettingsError, match="from Fri 2026-12-25 00:00 CET"):
        team("holidays: DE\nlayers: {people: [ann], starts: 2026-11-02, every: 1 day, on_holidays: skip}")


def test_two_at_once_in_a_layer_are_refused() -> None:
    """With both names; in layers of their own they are meant."""
    both = "{people: [ann], starts: 2026-11-02, every: 1 week}, {people: [bo], starts: 2026-11-09, every: 1 week}"
    with pytest.raises(SettingsError, match=r"ann and bo are both on call for payments \(layer1\) from Mon 2026-11-09 00:00"):
        team(f"layers: {{rotations: [{both}]}}")

    assert len(team(f"layers: [{both}]").layers) == 2


def test_overrides_that_meet_are_refused() -> None:
    """The line is that of the second."""
    with pytest.raises(SettingsError, match="line 8: bo and cy both override layer1 of payments from Sat 2026-12-05 06:00"):
        team("""
layers: {people: [ann], starts: 2026-11-02, every: 1 week}
overrides:
  - {person: bo, from: 2026-12-05, to: 2026-12-06}
  - {person: cy, from: 2026-12-05T06:00, to: 2026-12-07}
""")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("teams: [", "line 1: that is no YAML"),
        ("teams:\n  a: {}\n  b\x07: {}\n", "line 3: that is no YAML: a character that is not shown"),
        ("teams:\n  a: 1\n  a: 2\n", "line 3: “a” stands there twice"),
        ("teams:\n  A Team: {rota: {layers: []}}\n", "no name of a team"),
        ("teams:\n  a: {}\n", "a has no rota"),
        ("teams:\n  a: {rota: {ical: http://x, layers: []}}\n", "a rota from ical has no layers"),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, why: str) -> None:
    """Where the trouble begins."""
    with pytest.raises(SettingsError) as caught:
        rotas(text)

    assert why in caught.value.text


def test_a_wrong_file_leaves_the_rota_in_force(tmp_path: Path) -> None:
    """And it is said since when, and what is wrong; put right, it is in force at once."""
    file = tmp_path / "oncall.yaml"
    file.write_text(GOOD)
    book = Book(file, None, {})
    assert book.teams["payments"].people == ("ann", "bo")

    _write(file, GOOD.replace("1 week", "1 month"))
    book.look(now=True)
    assert book.teams["payments"].people == ("ann", "bo")
    assert "the file is wrong since" in book.problem
    assert "line 5" in book.problem

    _write(file, GOOD.replace("bo", "cy"))
    book.look(now=True)
    assert (book.teams["payments"].people, book.problem) == (("ann", "cy"), "")


def test_a_file_that_is_gone_or_empty_leaves_the_rota_in_force(tmp_path: Path) -> None:
    """Nobody else is called because a file was lost, or is being written at this moment."""
    file = tmp_path / "oncall.yaml"
    file.write_text(GOOD)
    book = Book(file, None, {})

    for left in ("\n", ""):
        if left:
            _write(file, left)
        else:
            file.unlink()
        book.look(now=True)
        assert list(book.teams) == ["payments"]
        assert "oncall.yaml is gone or empty" in book.problem

    file.write_text(GOOD)
    book.look(now=True)
    assert (list(book.teams), book.problem) == (["payments"], "")


def test_a_start_with_a_wrong_file_takes_what_was_remembered(tmp_path: Path) -> None:
    """A restart must not take anybody off call."""
    file = tmp_path / "oncall.yaml"
    file.write_text("teams: [")

    book = Book(file, None, {}, remembered=GOOD)

    assert book.teams["payments"].people == ("ann", "bo")
    assert "that is no YAML" in book.problem


LEFT = "people: [{id: ann}]\nrooms: [{id: ops}]"


@pytest.mark.parametrize(
    ("text", "left"),
    [(GOOD, LEFT), (GOOD.replace("1 week}", "1 week, until: 2027-03-01}"), "people: [{id: ann}, {id: bo}]")],
    ids=["somebody has left", "a gap has come near"],
)
def test_a_start_with_a_file_that_became_wrong_keeps_its_rotas(tmp_path: Path, text: str, left: str) -> None:
    """What was in force is not looked at again: nobody is taken off call by a restart."""
    file, people = tmp_path / "oncall.yaml", tmp_path / "people.yaml"
    file.write_text(text)
    people.write_text(left)

    book = Book(file, people, {}, remembered=text)

    assert book.teams["payments"].people == ("ann", "bo")
    assert "the rota before is in force" in book.problem


def test_a_start_without_a_secret_keeps_its_rotas(tmp_path: Path) -> None:
    """Contacts that can't be read any more take no rota with them."""

    def reader(given: Given | None, people: object) -> str:
        if given is not None:
            raise given.wrong("bo can't be read")
        return "none"

    file = tmp_path / "oncall.yaml"
    file.write_text(GOOD + "contacts: {bo: {urls_file: /gone}}\n")

    book = Book(file, None, {"contacts": reader}, remembered=file.read_text())

    assert book.teams["payments"].people == ("ann", "bo")
    assert book.part("contacts") == "none"


def test_without_a_file_the_owners_take_turns(tmp_path: Path) -> None:
    """A week each, in the zone of the first."""
    people = tmp_path / "people.yaml"
    people.write_text(
        "people:\n- {id: ann, zone: Europe/Berlin, groups: [owners]}\n- {id: bo}\n- {id: cy, groups: [owners], name: Cy}\n"
    )

    book = Book(None, people, {})

    assert list(book.teams) == ["home"]
    assert book.teams["home"].people == ("ann", "cy")
    assert book.teams["home"].team.room == "ops"
    assert book.people["cy"].name == "Cy"


def test_people_are_those_of_the_people_file(tmp_path: Path) -> None:
    """A person who left makes the rota wrong, and it stays in force."""
    file, people = tmp_path / "oncall.yaml", tmp_path / "people.yaml"
    file.write_text(GOOD)
    people.write_text("people: [{id: ann}, {id: bo}]")
    book = Book(file, people, {})

    _write(people, LEFT)
    book.look(now=True)

    assert book.teams["payments"].people == ("ann", "bo")
    assert "there is nobody “bo”" in book.problem
    assert (list(book.people), book.rooms) == (["ann"], frozenset({"ops"})), "but it is known who is there"


def test_a_policy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Whoever reads the policies is asked for their names."""
    file = tmp_path / "oncall.yaml"
    file.write_text(GOOD.replace("    zone:", "    policy: loud\n    zone:"))

    book = Book(file, None, {"policies": lambda given, people: {"default": None}})

    assert "there is no policy “loud”" in book.problem


def _write(file: Path, text: str) -> None:
    """Write it so that the change is seen, however coarse the clock of the file system is."""
    before = file.stat().st_mtime_ns
    file.write_text(text)
    os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


def test_the_moment_of_these_tests_is_a_monday() -> None:
    """Everything above counts from there."""
    assert NOW % (7 * 86400) // 86400 == 4  # 1970 began on a Thursday
