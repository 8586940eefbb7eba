"""Alerts through the bot: cards, floods, silences, pages, and what is said by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bellboard import ProviderError, Providers
from bellboard.keep import Keep
from bellboard.marks import Draft, Marks
from bellboard.testing.talk import Ask, Talk, TalkTo, settings_for
from bellboard_oncall.alerts import flood
from bellboard_oncall.alerts.desk import Desk
from bellboard_oncall.alerts.groups import Group
from bellboard_oncall.alerts.routing import Routing
from bellboard_oncall.alerts.silences import Matchers
from bellboard_oncall.alerts.store import Groups
from bellboard_oncall.bot import bot
from bellboard_oncall.providers import register
from bellboard_oncall.rota.desk import Desk as Rota
from bellboard_oncall.settings import Settings

from .alerting import NOW, comes, fired, shown, swept

TEAMS = """
teams:
  payments:
    room: payments
    zone: UTC
    rota: {layers: [{name: first, people: [ann], starts: 2020-01-06T09:00, every: 1 week}]}
"""

ROUTES = """
routes:
  - match: {app: shop, severity: /critical|page/}
    team: payments
    page: true
  - match: {app: shop}
    team: payments
    graph: graph errors {app} 2h
"""


class Source:
    """A source that takes silences, and remembers them."""

    there = True

    def __init__(self) -> None:
        self.set: dict[str, Matchers] = {}
        self.still = frozenset[str]()
        self.broken = False

    async def silence(self, id: str, matchers: Matchers, start: float, end: float, person: str, why: str) -> str:
        if self.broken:
            raise ProviderError("it does not answer")
        self.set[f"remote-{id}"] = matchers
        return f"remote-{id}"

    async def expire(self, remote: str) -> None:
        self.set.pop(remote, None)

    async def burning(self, matchers: Matchers) -> frozenset[str] | None:
        return self.still


@pytest.fixture
def source() -> Source:
    """Where alerts come from, and silences are set."""
    return Source()


@pytest.fixture
def talk(talk_to: TalkTo, source: Source, tmp_path: Path) -> Talk:
    """The bot with one team, a file of routes, and that source."""
    (tmp_path / "oncall.yaml").write_text(TEAMS)
    (tmp_path / "alerts.yaml").write_text(ROUTES)

    def registered(providers: Providers, settings: Settings) -> None:
        def desk() -> Desk:
            rota = providers.get(Rota)
            return Desk(providers.get(Keep), providers.get(Marks), rota, Routing(settings.alerts_file, rota), source)

        register(providers, settings)
        providers.register(Desk, desk)

    settings = settings_for(Settings, oncall_file=tmp_path / "oncall.yaml", alerts_file=tmp_path / "alerts.yaml")
    return talk_to(bot, registered, settings)


async def test_a_group_gets_one_card_that_is_brought_up_to_date(talk: Talk) -> None:
    """Its card stands in the team's room; what changes is shown on it, at most every five seconds."""
    said = await comes(talk, 1, fired("a"))
    assert said.asks == (Ask("alert show A1", room="payments"),)
    card = said.asks[0].id
    said = await comes(talk, 2, fired("a", "b"), at=NOW + 1)
    assert said.asks == (Ask("alert sweep", at=NOW + 6, key="sweep"),)
    said = await comes(talk, 3, fired("a", "b", "c"), at=NOW + 2)
    assert said.asks == ()
    said = await swept(talk, NOW + 6)
    assert said.asks == (Ask("alert show A1", card=card),)
    said = await comes(talk, 4, fired("a", "b", "c", firing=[False] * 3), at=NOW + 20)
    assert said.asks == (Ask("alert show A1", card=card),)
    assert "over" in (await talk("alert show A1", at=NOW + 21)).text


async def test_the_same_delivery_again_says_nothing(talk: Talk) -> None:
    """Whoever sends it twice, or hands it over twice."""
    await comes(talk, 1, fired("a"))
    assert (await comes(talk, 1, fired("a"), at=NOW + 30)).asks == ()
    assert (await comes(talk, 2, fired("a"), at=NOW + 60)).asks == ()


async def test_an_attempt_after_a_crash_asks_for_the_same_card(talk: Talk) -> None:
    """Its id is that of the first attempt, so that the room sees one."""
    first = await comes(talk, 1, fired("a"), id="x" * 26)
    groups = Groups(talk.keep)
    (group,) = await groups.all()

    def undone(one: Group) -> Group:
        return replace(one, card="", claim="x" * 26)

    await groups.change(group.key, undone)
    again = await comes(talk, 1, fired("a"), id="x" * 26, attempt=2)
    assert again.asks == first.asks
    assert again.asks[0].id == first.asks[0].id


async def test_what_burns_anew_is_a_new_alert_and_the_old_card_says_that_it_was_over(talk: Talk) -> None:
    """Both in one batch: nobody has told of the end yet."""
    card = (await comes(talk, 1, fired("a"))).asks[0].id
    said = await comes(talk, 2, fired("a", firing=[False]), fired("a"), at=NOW + 30)
    assert set(said.asks) == {Ask("alert show A1", card=card), Ask("alert show A2", room="payments")}
    assert "A1" in (await talk("alert show A1")).text
    mark = await talk.marks.find("A1")
    assert mark is not None
    assert (mark.state, mark.until) == ("resolved", NOW + 30)


async def test_the_card_says_what_there_is_to_say(talk: Talk) -> None:
    """How bad, how many, since when, with which labels; where to look, and what to do."""
    deploys = talk.marks.by("deploy")
    draft = Draft(
        title="shop v2 in prod", at=NOW - 480, until=NOW - 400, app="shop", env="prod", person="ann", state="succeeded"
    )
    await deploys.begin("D", replace(draft, detail={"previous": "v1"}), key="d")
    await comes(talk, 1, fired("a", "b", firing=[True, False]))
    said = await talk("alert show a1", at=NOW + 1)
    assert "A1: HighErrors on shop in prod: 1 firing" in said.text
    assert "since 2027-01-15 07:56 UTC" in said.text
    assert "4 min after D1 by ann: shop v2 in prod" in said.text
    assert "severity=warning" in said.text
    assert {block.link.title: block.link.url for block in said.blocks if block.HasField("link")} == {
        "runbook": "https://wiki/runbook",
        "source": "http://prometheus/graph",
    }
    assert shown(said) == {
        "Ack": "ack A1",
        "Silence 1 h": "alert silence A1 for 1h",
        "Graph": "graph errors shop 2h",
        "Logs": "logs shop error --since 30m",
        "Diff of D1": "deploy diff shop v1 in prod",
        "New in the logs": "logs new shop --since D1",
        "Roll back shop": "rollback shop in prod",
    }


@pytest.mark.parametrize("app", ["shop | rm", "shop --force", "-x", "a b", "$(x)"])
async def test_no_button_holds_words_that_would_be_more_than_one(talk: Talk, app: str) -> None:
    """Labels come from outside, and a button's line is run as whoever presses it."""
    await comes(talk, 1, fired("a", app=app))
    assert set(shown(await talk("alert show A1"))) == {"Ack", "Silence 1 h"}


async def test_an_urgent_alert_pages_once_and_its_end_ends_the_page(talk: Talk) -> None:
    """The page is begun by a command of its own."""
    said = await comes(talk, 1, fired("a", severity="critical"))
    assert said.asks == (Ask("alert show A1", room="payments"), Ask("alert page A1"))
    paged = await talk("alert page A1", room="", at=NOW + 1)
    assert paged.state == "SUCCEEDED", paged
    assert (await talk("alert page A1", room="", at=NOW + 2)).asked == ()
    assert "paged: P1" in (await talk("alert show A1")).text
    over = await comes(talk, 2, fired("a", severity="critical", firing=[False]), at=NOW + 60)
    assert "page resolve P1 A1 is over" in over.asked
    assert (await talk("page resolve P1 A1 is over", at=NOW + 61)).state == "SUCCEEDED"


async def test_a_page_that_was_lost_is_asked_for_again(talk: Talk) -> None:
    """Unless the alert is over, or silenced by then."""
    await comes(talk, 1, fired("a", severity="critical"))
    said = await talk("alert upkeep", room="", at=NOW + 600)
    assert Ask("alert page A1") in said.asks
    await talk("alert silence payments for 1h", at=NOW + 601)
    assert Ask("alert page A1") not in (await talk("alert upkeep", room="", at=NOW + 602)).asks
    await talk("alert page A1", room="", at=NOW + 603)
    assert await talk.marks.find("P1") is None


async def test_ack_of_an_alert_is_shown_on_its_card(talk: Talk) -> None:
    """With who and when; its button goes."""
    card = (await comes(talk, 1, fired("a"))).asks[0].id
    said = await talk("ack A1", at=NOW + 1)
    assert Ask("alert show A1", card=card) in said.asks
    seen = await talk("alert show A1")
    assert "ann takes care of it" in seen.text
    assert "Ack" not in shown(seen)


async def test_an_alert_that_burns_on_after_its_page_is_over_can_be_acked(talk: Talk) -> None:
    """Its button means the alert then."""
    await comes(talk, 1, fired("a", severity="critical"))
    await talk("alert page A1", room="", at=NOW + 1)
    await talk("page resolve P1", at=NOW + 2)
    said = await talk("ack A1", at=NOW + 3)
    assert "is on A1" in said.text, said


async def test_too_many_at_once_share_one_card(talk: Talk) -> None:
    """The first twelve of a minute have their own; the others are counted and named on one."""
    many = [fired("a", app=f"app-{number}") for number in range(40)]
    said = await comes(talk, 1, *many[:20])
    opened = [ask for ask in said.asks if ask.room == "ops"]
    assert len(opened) == flood.MOST + 1
    assert sum(ask.line == "alert flood ops" for ask in opened) == 1
    card = next(ask.id for ask in opened if ask.line == "alert flood ops")
    said = await comes(talk, 21, *many[20:], at=NOW + 1)
    assert [ask.key for ask in said.asks] == ["sweep"]
    assert Ask("alert flood ops", card=card) in (await swept(talk, NOW + 6)).asks
    seen = await talk("alert flood ops", room="ops")
    assert "28 groups of alerts more" in seen.text
    listed = await talk("alert list", at=NOW + 7)
    assert len(listed.result.table.rows) == 40
    said = await comes(talk, 100, fired("a", app="later"), at=NOW + 120)
    assert Ask("alert show A41", room="ops") in said.asks


async def test_a_silenced_alert_is_quiet_until_the_silence_ends(talk: Talk) -> None:
    """No card and no page for what comes meanwhile; what still burns then is told of."""
    await comes(talk, 1, fired("a", severity="critical"))
    said = await talk('alert silence payments for 30m "deploying"', at=NOW + 10)
    assert said.state == "SUCCEEDED", said
    assert Ask("alert sweep", at=NOW + 1810, key="silence.S1") in said.asks
    assert "silenced until" in (await talk("alert show A1", at=NOW + 11)).text
    quiet = await comes(talk, 2, fired("a", alertname="Slow", severity="critical"), at=NOW + 20)
    assert quiet.asks == ()
    assert "all of payments" in str((await talk("alert silences", at=NOW + 21)).blocks[0])
    loud = await swept(talk, NOW + 1810)
    assert {"alert show A2", "alert page A2"} <= set(loud.asked)
    assert "nothing is silenced" in (await talk("alert silences", at=NOW + 1811)).text


async def test_alerts_that_come_one_at_a_time_are_silenced_by_what_they_share(talk: Talk) -> None:
    """Not by the labels of the last one, which the next does not have."""

    def slow(host: str) -> dict[str, object]:
        return {"title": "Slow", "group": "web", "labels": {"app": "web", "host": host}}

    await comes(talk, 1, slow("a"), slow("b"), format="generic")
    shown = await talk("alert show A1", at=NOW + 1)
    assert "app=web" in shown.text.splitlines()
    (listed,) = [block.table for block in shown.blocks if block.HasField("table")]
    assert [row.cells[0].text for row in listed.rows] == ["host=a", "host=b"]
    assert (await talk("alert silence A1", at=NOW + 1)).text.startswith("S1: app=web is silenced until")
    await comes(talk, 3, slow("c"), format="generic", at=NOW + 2)
    assert "silenced until" in (await talk("alert show A1", at=NOW + 3)).text


@pytest.mark.parametrize("said", [{}, {"severity": "critical"}])
async def test_a_silence_of_what_has_no_labels_is_about_that_alone(talk: Talk, said: dict[str, str]) -> None:
    """How bad it is says nothing of what it is: whatever else is as bad is told of, and pages."""
    await comes(talk, 1, {"title": "Disk full", **said}, format="generic")
    button = shown(await talk("alert show A1", at=NOW + 1))["Silence 1 h"]
    assert (await talk(button, at=NOW + 2)).text.startswith("S1: Disk full is silenced until")
    assert "silenced until" in (await talk("alert show A1", at=NOW + 3)).text
    assert "Disk full" in str((await talk("alert silences", at=NOW + 3)).blocks[0])
    other = await comes(talk, 2, {"title": "Nobody can pay", "severity": "critical"}, format="generic", at=NOW + 20)
    assert set(other.asked) >= {"alert show A2", "alert page A2"}


async def test_a_length_without_its_word_is_no_reason(talk: Talk) -> None:
    """Else four hours would be one."""
    said = (await talk('alert silence payments 4h "deploying"', at=NOW)).failure
    assert (said.text, said.hint) == ("for how long?", "alert silence payments for 4h")


async def test_what_was_never_seen_to_burn_opens_no_card(talk: Talk) -> None:
    """Its end alone is not worth telling; when it burns, it is."""
    assert (await comes(talk, 1, fired("a", firing=[False]))).asks == ()
    assert (await comes(talk, 2, fired("a", firing=[False]), at=NOW + 1)).asks == ()
    await talk("alert upkeep", room="", at=NOW + 20 * 86400)
    assert (await comes(talk, 3, fired("a"), at=NOW + 2)).asks == (Ask("alert show A1", room="payments"),)


async def test_what_can_not_be_silenced_is_told_for_what_it_was_meant(talk: Talk) -> None:
    """An id is no slip of a team's name, and the other way round."""
    assert (await talk("alert silence A9", at=NOW)).failure.text == "there is no alert A9"
    slip = (await talk("alert silence paymints", at=NOW)).failure
    assert (slip.text, slip.hint) == ("there is no team “paymints”", "did you mean payments?")


async def test_the_end_of_a_silence_floods_no_room(talk: Talk) -> None:
    """What came under it opens nothing, and afterwards no more cards than what comes at once."""
    await talk("alert silence payments for 30m", at=NOW)
    many = [fired("a", alertname=f"Down{number}") for number in range(40)]
    said = await comes(talk, 1, *many)
    assert not [ask for ask in said.asks if ask.room]
    asks = [ask for tick in range(4) for ask in (await swept(talk, NOW + 1801 + 6 * tick)).asks]
    opened = [ask.line for ask in asks if ask.room == "payments"]
    assert len([line for line in opened if line.startswith("alert show")]) == flood.MOST
    assert opened.count("alert flood payments") == 1
    assert "28 groups of alerts more" in (await talk("alert flood payments")).text


async def test_the_end_of_a_silence_is_found_if_its_timer_was_lost(talk: Talk) -> None:
    """By upkeep."""
    await talk("alert silence payments for 30m", at=NOW)
    assert not [ask for ask in (await talk("alert upkeep", room="", at=NOW + 1700)).asks if ask.key]
    assert Ask("alert sweep", at=NOW + 1900, key="sweep") in (await talk("alert upkeep", room="", at=NOW + 1900)).asks


async def test_a_second_attempt_at_a_resolve_says_the_same(talk: Talk) -> None:
    """What the first one did is not in its way."""
    await comes(talk, 1, fired("a"))
    first = await talk("alert resolve A1", at=NOW + 10)
    again = await talk("alert resolve A1", at=NOW + 10, attempt=2)
    assert (again.state, again.text) == ("SUCCEEDED", first.text)


async def test_a_silence_is_set_where_its_alerts_come_from(talk: Talk, source: Source) -> None:
    """And ended there too; what ended under it is over when it does."""
    await comes(talk, 1, fired("a", "b"))
    assert (await talk("alert silence A1 for 1h why not?", at=NOW + 1)).state == "SUCCEEDED"
    assert source.set == {}
    await talk("alert silence A1 for 1h", at=NOW + 2)
    (matchers,) = source.set.values()
    assert {"name": "app", "value": "shop", "isRegex": False, "isEqual": True} in matchers
    source.still = frozenset({"shop-b"})
    said = await talk("alert expire S1", at=NOW + 3)
    assert source.set == {}
    assert [ask.line for ask in said.asks] == ["alert sweep"]
    await swept(talk, NOW + 9)
    assert "1 firing, 1 over" in (await talk("alert show A1")).text


async def test_a_source_that_does_not_answer_is_told_of(talk: Talk, source: Source) -> None:
    """The silence holds here all the same."""
    source.broken = True
    await comes(talk, 1, fired("a"))
    said = await talk("alert silence A1 for 1h", at=NOW + 1)
    assert "here alone: it does not answer" in said.text
    assert "silenced until" in (await talk("alert show A1", at=NOW + 2)).text


async def test_what_is_resolved_by_hand_is_over(talk: Talk) -> None:
    """Until somebody says again that it burns."""
    card = (await comes(talk, 1, fired("a"))).asks[0].id
    said = await talk("alert resolve A1 it was the cache", at=NOW + 60)
    assert "over" in said.text
    assert Ask("alert show A1", card=card) in said.asks
    assert (await talk("alert resolve A1")).failure.text
    assert "nothing burns" in (await talk("alert list")).text
    assert "A1" in str((await talk("alert list --all")).blocks)
    assert Ask("alert show A2", room="payments") in (await comes(talk, 2, fired("a"), at=NOW + 120)).asks


async def test_bad_deliveries_are_passed_over(talk: Talk) -> None:
    """And what is good beside them is taken."""
    said = await comes(talk, 1, b"{", fired("a"), b"[]", {"alerts": 3})
    assert said.asked == ("alert show A1",)


async def test_upkeep_finds_what_was_lost(talk: Talk) -> None:
    """A sweep that never ran is asked for again."""
    await comes(talk, 1, fired("a"))
    await comes(talk, 2, fired("a", "b"), at=NOW + 1)
    said = await talk("alert upkeep", room="", at=NOW + 300)
    assert [ask.line for ask in said.asks] == ["alert sweep"]
