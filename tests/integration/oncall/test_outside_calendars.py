"""Calendars outside: iCalendar, Opsgenie and PagerDuty, each answered by a double on this machine.

The doubles of Opsgenie and PagerDuty are written from their public API documentation (Opsgenie: schedules with
``expand=rotation``; PagerDuty REST v2: ``GET /schedules/{id}`` and ``GET /oncalls``). Neither was tried against the vendor.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from bellboard import ProviderError, UserError
from bellboard.keep.memory import MemoryKeep
from bellboard_oncall.rota import Shift, Team
from bellboard_oncall.rota.model import Outside, TeamRota
from bellboard_oncall.rota.outside import fetch as fetching
from bellboard_oncall.rota.outside.cache import FRESH, Cache
from bellboard_oncall.rota.outside.fetch import check, fetch, is_public
from bellboard_oncall.rota.outside.ical import Ical
from bellboard_oncall.rota.outside.opsgenie import Opsgenie, written
from bellboard_oncall.rota.outside.pagerduty import ACCEPT, PagerDuty

pytestmark = pytest.mark.integration

UTC_ZONE = ZoneInfo("UTC")
TOKEN = "y_NbAkKc66ryYTWUXYEu"


def at(said: str) -> float:
    return datetime.fromisoformat(said).replace(tzinfo=UTC).timestamp()


def a_team(kind: str, where: str, **more: str) -> TeamRota:
    people = {"Ann Lee": "ann", "bo@example.com": "bo", "PXPGF42": "ann"}
    team = Team("payments", "payments", UTC_ZONE, "default")
    return TeamRota(team, UTC_ZONE, outside=Outside(kind, where, people, **more))


class Double:
    """Answers paths, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[web.Request], web.Response]] = {}
        self.asked: list[web.Request] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        return self.answers[request.path](request)


@pytest.fixture
async def double() -> AsyncIterator[Double]:
    made = Double()
    app = web.Application()
    app.router.add_get("/{tail:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
    yield made
    await runner.cleanup()


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:1
SUMMARY:Ann Lee
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20261102T090000
DTEND;TZID=Europe/Berlin:20261109T090000
RRULE:FREQ=WEEKLY;INTERVAL=2
EXDATE;TZID=Europe/Berlin:20261130T090000
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:on call
ATTENDEE;CN=Bo:mailto:Bo@example.com
DTSTAMP:20260101T000000Z
DTSTART:20261109T080000Z
DTEND:20261116T080000Z
END:VEVENT
BEGIN:VEVENT
UID:3
SUMMARY:Lunch
DTSTAMP:20260101T000000Z
DTSTART:20261109T110000Z
DTEND:20261109T120000Z
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


async def test_a_calendar_at_an_address_is_a_rota(double: Double) -> None:
    """Whoever is not named is left out; what repeats is expanded, but for its exceptions."""
    double.answers["/rota.ics"] = lambda _: web.Response(text=CALENDAR)

    shifts = await Ical().shifts(a_team("ical", f"{double.url}/rota.ics"), at("2026-11-01"), at("2026-12-20"))

    assert [(one.person, one.start, one.end) for one in shifts] == [
        ("ann", at("2026-11-02T08:00"), at("2026-11-09T08:00")),
        ("bo", at("2026-11-09T08:00"), at("2026-11-16T08:00")),
        ("ann", at("2026-11-16T08:00"), at("2026-11-23T08:00")),
        ("ann", at("2026-12-14T08:00"), at("2026-12-21T08:00")),
    ]


async def test_a_calendar_in_a_file_is_one_too(tmp_path: Path) -> None:
    """And one that is none is told."""
    (tmp_path / "rota.ics").write_text(CALENDAR)
    assert len(await Ical().shifts(a_team("ical", str(tmp_path / "rota.ics")), at("2026-11-01"), at("2026-11-10"))) == 2

    (tmp_path / "rota.ics").write_text("<html>")
    with pytest.raises(ProviderError, match="that is no calendar"):
        await Ical().shifts(a_team("ical", str(tmp_path / "rota.ics")), 0, 1)
    with pytest.raises(ProviderError, match=r"other\.ics can't be read"):
        await Ical().shifts(a_team("ical", str(tmp_path / "other.ics")), 0, 1)


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=DAILY;BYHOUR=1,2,3", "FREQ=HOURLY"])
async def test_what_repeats_for_ever_is_refused(double: Double, rule: str) -> None:
    """It would keep us busy."""
    double.answers["/"] = lambda _: web.Response(text=CALENDAR.replace("FREQ=WEEKLY;INTERVAL=2", rule))

    with pytest.raises(ProviderError, match="a calendar may"):
        await Ical().shifts(a_team("ical", f"{double.url}/"), at("2026-11-01"), at("2026-12-01"))


async def test_too_much_is_not_taken(double: Double) -> None:
    """Not even where little is sent."""
    bomb = gzip.compress(b"0" * 2**21)
    double.answers["/bomb"] = lambda _: web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    with pytest.raises(ProviderError, match="larger than 1 MiB"):
        await fetch(f"{double.url}/bomb", public=False)


async def test_errors_name_the_host_and_nothing_else(double: Double) -> None:
    """An address may hold a secret."""
    double.answers["/secret"] = lambda _: web.Response(status=403)

    with pytest.raises(ProviderError) as caught:
        await fetch(f"{double.url}/secret", public=False)
    assert str(caught.value) == "127.0.0.1 answers 403"


async def test_redirects_are_followed_a_few_times(double: Double) -> None:
    """Without the headers that were for somebody else."""
    double.answers["/old"] = lambda _: web.Response(status=302, headers={"Location": "/new"})
    double.answers["/new"] = lambda _: web.Response(text="here")
    double.answers["/loop"] = lambda _: web.Response(status=302, headers={"Location": "/loop"})

    assert await fetch(f"{double.url}/old", public=False, headers={"Authorization": "secret"}) == b"here"
    assert "Authorization" not in double.asked[-1].headers
    with pytest.raises(ProviderError, match="from one address to the next"):
        await fetch(f"{double.url}/loop", public=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "http://0/",
    ],
)
async def test_what_is_typed_reaches_public_addresses_only(url: str) -> None:
    """Neither this machine, nor its network, nor the cloud's own services."""
    with pytest.raises((UserError, ProviderError)):
        await fetch(url, public=True)


async def test_a_name_of_a_private_address_is_refused_where_it_is_resolved(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the resolved address that counts, so a name can't mean another one a moment later."""
    double.answers["/"] = lambda _: web.Response(text="secret")
    port = double.url.rpartition(":")[2]

    with pytest.raises(ProviderError, match="localhost does not answer"):
        await fetch(f"http://localhost:{port}/", public=True)
    assert double.asked == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/", "https://", "http://a:b@example.com/", "//x"])
def test_what_is_no_http_address_is_refused(url: str) -> None:
    """Before anything is fetched."""
    with pytest.raises(UserError, match="that is no http address"):
        check(url, public=True)


def test_public_addresses_are_told_from_others() -> None:
    """By the address itself."""
    assert is_public("1.1.1.1")
    assert is_public("2606:4700::1111")
    assert not any(is_public(one) for one in ("192.168.0.1", "fe80::1%eth0", "224.0.0.1", "100.64.0.1", "localhost"))
    assert fetching.LARGEST == 2**20


OPSGENIE = """{"data": {
  "id": "d875alp4-9b4e-4219-alp3-0c26936d18de", "name": "Payments", "timezone": "Europe/Berlin", "enabled": true,
  "rotations": [{
    "id": "r1", "name": "Weekdays", "startDate": "2026-11-02T08:00:00Z", "type": "weekly", "length": 1,
    "participants": [
      {"type": "user", "id": "u1", "username": "ann@example.com"}, {"type": "user", "id": "u2", "username": "bo@example.com"}],
    "timeRestriction": {"type": "weekday-and-time-of-day", "restrictions": [
      {"startDay": "monday", "startHour": 9, "startMin": 0, "endDay": "friday", "endHour": 17, "endMin": 30}]}
  }, {
    "id": "r2", "name": "Nights", "startDate": "2026-11-02T12:00:00Z", "type": "daily", "length": 2,
    "participants": [{"type": "user", "id": "u1", "username": "bo@example.com"}],
    "timeRestriction": {"type": "time-of-day", "restriction": {"startHour": 22, "startMin": 0, "endHour": 6, "endMin": 0}}
  }]}}"""


async def test_an_export_of_opsgenie_is_a_rota(tmp_path: Path) -> None:
    """With its restrictions, in its zone."""
    (tmp_path / "payments.json").write_text(OPSGENIE)
    rota = a_team("opsgenie", str(tmp_path / "payments.json"))

    shifts = await Opsgenie().shifts(rota, at("2026-11-09T12:00"), at("2026-11-10T12:00"))

    assert shifts == [
        Shift("payments", "weekdays", "bo", at("2026-11-09T08:00"), at("2026-11-13T16:30")),
        Shift("payments", "nights", "bo", at("2026-11-09T21:00"), at("2026-11-10T05:00")),
    ]


def test_an_export_of_opsgenie_becomes_a_file_of_ours() -> None:
    """Which is read again, and says the same."""
    from tests.unit.oncall.rotas import rotas

    text = written(OPSGENIE.encode())
    gapped = text.replace("    rota:\n", "    rota:\n      gaps: true\n")

    read = rotas(gapped, people={})["payments"]
    assert [(one.name, one.rotations[0].people, one.rotations[0].days) for one in read.layers] == [
        ("weekdays", ("ann", "bo"), 7),
        ("nights", ("bo",), 2),
    ]
    assert read.zone.key == "Europe/Berlin"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"daily"', '"hourly"', "turns by the hourly"),
        ('"type": "user", "id": "u2"', '"type": "team", "id": "u2"', "participants that are no users"),
        ('"rotations"', '"rotation"', "no schedule of Opsgenie"),
        ("2026-11-02T08:00:00Z", "soon", "can't be understood"),
    ],
)
def test_what_a_rota_cannot_say_is_not_guessed(old: str, new: str, why: str) -> None:
    """It is refused, with the reason."""
    with pytest.raises(UserError, match=why):
        written(OPSGENIE.replace(old, new).encode())


def _schedule(request: web.Request) -> web.Response:
    """GET /schedules/{id}, as documented: entries cut to the stretch that is asked for."""
    assert request.headers["Authorization"] == f"Token token={TOKEN}"
    assert request.headers["Accept"] == ACCEPT
    assert request.query["time_zone"] == "UTC"
    since, until = (datetime.fromisoformat(request.query[key].replace("Z", "+00:00")) for key in ("since", "until"))
    assert (until - since).days <= 90
    entries = []
    week, monday = 7 * 86400, at("2026-11-02")
    users = [
        {"id": "PXPGF42", "type": "user_reference", "summary": "Ann"},
        {"id": "PAM4FGS", "type": "user_reference", "summary": "bo@example.com"},
        {"id": "PUNKNOWN", "type": "user_reference", "summary": "Zed"},
    ]
    for number in range(60):
        start, end = max(monday + number * week, since.timestamp()), min(monday + (number + 1) * week, until.timestamp())
        if start < end:
            times = {
                "start": datetime.fromtimestamp(start, UTC).isoformat().replace("+00:00", "Z"),
                "end": datetime.fromtimestamp(end, UTC).isoformat().replace("+00:00", "Z"),
            }
            entries.append({**times, "user": users[number % 3]})
    return web.json_response({"schedule": {"id": "PI7DH85", "final_schedule": {"rendered_schedule_entries": entries}}})


async def test_pagerduty_is_asked_as_documented(double: Double, tmp_path: Path) -> None:
    """In stretches that it renders; what these cut is put together again, and a stranger is left out."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    double.answers["/schedules/PI7DH85"] = _schedule
    rota = a_team("pagerduty", "PI7DH85", token_file=str(tmp_path / "token"), api=double.url)

    shifts = await PagerDuty().shifts(rota, at("2026-11-02"), at("2027-05-03"))

    assert len(double.asked) == 3
    assert {one.person for one in shifts} == {"ann", "bo"}
    assert {one.end - one.start for one in shifts} == {7 * 86400}
    assert len(shifts) == 18


async def test_pagerduty_names_whom_it_would_tell(double: Double, tmp_path: Path) -> None:
    """By GET /oncalls, page by page, the first level first."""
    pages = {
        "0": {"oncalls": [{"escalation_level": 2, "user": {"id": "PB"}}], "limit": 1, "offset": 0, "more": True},
        "1": {"oncalls": [{"escalation_level": 1, "user": {"id": "PA"}}], "limit": 1, "offset": 1, "more": False},
    }
    double.answers["/oncalls"] = lambda request: web.json_response(pages[request.query["offset"]])

    assert await PagerDuty().on_call(Outside("pagerduty", "", {}, api=double.url), "PESC") == ["PA", "PB"]
    assert double.asked[0].query["escalation_policy_ids[]"] == "PESC"


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: web.Response(status=401),
        lambda _: web.Response(status=429),
        lambda _: web.Response(text="<html>"),
        lambda _: web.json_response([]),
        lambda _: web.json_response({"schedule": {}}),
    ],
)
async def test_pagerduty_that_says_something_else_is_told(
    double: Double, answer: Callable[[web.Request], web.Response]
) -> None:
    """As an error that people can read, without the token."""
    double.answers["/schedules/P1"] = answer

    with pytest.raises(ProviderError) as caught:
        await PagerDuty().shifts(a_team("pagerduty", "P1", api=double.url), 0, 86400)
    assert TOKEN not in str(caught.value)


async def test_a_calendar_that_is_away_is_remembered(double: Double) -> None:
    """Also by a process that starts anew; and it is said since when."""
    now, keep = time.time(), MemoryKeep()
    text = CALENDAR.replace("20261102T090000", f"{datetime.now(UTC):%Y%m%d}T000000")
    text = text.replace("20261109T090000", f"{datetime.now(UTC):%Y%m%d}T235900")
    double.answers["/"] = lambda _: web.Response(text=text)
    rota = a_team("ical", f"{double.url}/")
    before = await Cache({"ical": Ical()}, keep).shifts(rota, now)
    assert before

    double.answers["/"] = lambda _: web.Response(status=500)
    cache = Cache({"ical": Ical()}, keep)
    assert list(await cache.shifts(rota, now)) == list(before)
    assert "does not answer since" in cache.problem("payments")

    double.answers["/"] = lambda _: web.Response(text=text)
    await cache.shifts(rota, now + FRESH + 1)
    assert cache.problem("payments") == ""


async def test_a_calendar_that_never_answered_is_an_error(double: Double) -> None:
    """Nobody is invented."""
    double.answers["/"] = lambda _: web.Response(status=500)

    with pytest.raises(ProviderError, match="answers 500"):
        await Cache({"ical": Ical()}, MemoryKeep()).shifts(a_team("ical", f"{double.url}/"), time.time())
