"""Rules, and what they say of requests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.errors import ContractError, SettingsError
from bellboard.grammar import Nowhere, Vocabulary
from bellboard_gateway import house
from bellboard_gateway.people import People
from bellboard_gateway.policy import Ask, Chance, Policy, Verdict, plan
from bellboard_gateway.policy.rules import load, parse
from bellboard_gateway.policy.schema import arguments, context
from bellboard_practice.bot import bot as practice

PEOPLE = {"ann": ["owners"], "bob": ["devs"], "cleo": ["sre"]}
VOCABULARY = Vocabulary([practice.contract])


class Court:
    """Rules in a folder, and the practice bot's contract."""

    def __init__(self, folder: Path, rules: str = "", *, is_open: bool = True) -> None:
        self.folder, self.people_file = folder / "policy", folder / "people.yaml"
        self.folder.mkdir()
        self.people_file.write_text(people())
        self.write(rules)
        self.people = People(self.people_file)
        self.policy = Policy(self.folder, self.people, lambda: ["practice", "memes"])
        self.policy.admit(practice.contract, is_open=is_open)

    def write(self, rules: str) -> None:
        (self.folder / "own.cedar").write_text(rules)

    def ask(self, line: str, who: str = "bob", **more: Any) -> Ask:
        parsed = VOCABULARY.parse(line, Nowhere())
        principal = more.pop("principal", pb.Principal(person=who))
        said = {"room": "general", "cause": pb.CAUSE_LINE, "preview": parsed.preview, **more}
        return Ask(principal, parsed.command, parsed.request, **said)

    def says(self, line: str, who: str = "bob", **more: Any) -> Verdict:
        return self.policy.judge(self.ask(line, who, **more)).verdict


def people(groups: dict[str, list[str]] = PEOPLE) -> str:
    entries = [{"id": name, "groups": list(of)} for name, of in groups.items()]
    return yaml.safe_dump({"people": entries, "rooms": [{"id": "general"}, {"id": "ops"}]})


def test_without_rules_everyone_reads_and_owners_do_everything(tmp_path: Path) -> None:
    """And nobody else does anything else."""
    court = Court(tmp_path)
    assert court.says("practice look") is Verdict.ALLOW
    assert court.says("practice set a 3") is Verdict.DENY
    assert court.says("practice fire a", "ann") is Verdict.ALLOW


def test_reads_of_a_bot_that_is_not_open_need_a_rule(tmp_path: Path) -> None:
    """Openness is a matter of enrolment."""
    court = Court(tmp_path, is_open=False)
    assert court.says("practice look") is Verdict.DENY
    assert court.says("practice look", "ann") is Verdict.ALLOW


@pytest.mark.parametrize(
    ("condition", "allowed", "denied"),
    [
        ('context.args.label == "a"', "practice fire a", "practice fire b"),
        ("context.args.fail", "practice fire a --fail", "practice fire a"),
        ("context.args has wait && context.args.wait <= 60", "practice fire a --wait 1m", "practice fire a --wait 61s"),
        ("context.preview", "practice fire a ?", "practice fire a"),
    ],
)
def test_rules_speak_of_typed_arguments(tmp_path: Path, condition: str, allowed: str, denied: str) -> None:
    """Strings, switches, durations in seconds, previews."""
    court = Court(tmp_path, f'permit (principal, action == Action::"practice.Fire", resource) when {{ {condition} }};')
    assert court.says(allowed) is Verdict.ALLOW
    assert court.says(denied) is Verdict.DENY


@pytest.mark.parametrize(
    "condition",
    [
        'context.args.direction == "north"',
        "context.args.count < 4",
        'context.args.ratio.lessThan(decimal("0.6"))',
        'context.args.tag.contains("x")',
        'context.lane == "ops-read" && context.cause == "LINE"',
    ],
)
def test_rules_speak_of_every_kind_of_argument(tmp_path: Path, condition: str) -> None:
    """Enums as words, numbers, fractions, sets; lane and cause."""
    rule = f'forbid (principal, action == Action::"practice.Every", resource) when {{ {condition} }};'
    court = Court(tmp_path, rule)
    assert court.says("practice every north 3 --ratio 0.5 --tag x", "ann") is Verdict.DENY


def test_a_room_can_be_named(tmp_path: Path) -> None:
    """What may be done in one room need not be done in another."""
    court = Court(tmp_path, 'permit (principal, action in Action::"bot:practice", resource == Room::"ops");')
    assert court.says("practice fire a", room="ops") is Verdict.ALLOW
    assert court.says("practice fire a") is Verdict.DENY


def test_a_denial_names_the_rule_and_who_may(tmp_path: Path) -> None:
    """A rule without an id is named by its place."""
    court = Court(tmp_path, '\n@id("freeze") forbid (principal, action in Action::"effect:ONCE", resource);')
    decision = court.policy.judge(court.ask("practice fire a", "ann"))
    assert decision.rules == ("freeze",)
    assert "the rule freeze forbids it" in decision.reason
    assert "people in owners may" in court.policy.judge(court.ask("practice set a 3")).reason


def test_a_rule_may_ask_for_approval(tmp_path: Path) -> None:
    """Unless another permits it outright, or it is a preview."""
    court = Court(tmp_path, '@id("eyes") @approval("sre") permit (principal, action in Action::"effect:ONCE", resource);')
    decision = court.policy.judge(court.ask("practice fire a"))
    assert (decision.verdict, decision.group, decision.rules) == (Verdict.ASK, "sre", ("eyes",))
    assert court.says("practice fire a", "ann") is Verdict.ALLOW
    assert court.says("practice fire a ?") is Verdict.ALLOW


def test_a_bot_is_not_the_person_of_its_name(tmp_path: Path) -> None:
    """Its rights are its own; a timer's are those of its person."""
    court = Court(tmp_path, 'permit (principal == Bot::"memes", action in Action::"bot:practice", resource);')
    memes = pb.Principal(bot="memes")
    assert court.says("practice fire a", principal=memes) is Verdict.ALLOW
    assert court.says("practice fire a", "memes") is Verdict.DENY
    assert court.says("practice fire a", principal=pb.Principal(bot="ann")) is Verdict.DENY
    timer = pb.Principal(timer=pb.TimerPrincipal(name="nightly", person="ann"))
    assert court.says("practice fire a", principal=timer) is Verdict.ALLOW
    assert court.says("practice fire a", principal=pb.Principal()) is Verdict.DENY


def test_an_error_in_judging_means_deny(tmp_path: Path) -> None:
    """An overflow would make Cedar skip the forbid, and so let everything through."""
    rule = (
        'forbid (principal, action == Action::"practice.Set", resource) when { context.args.value * 9223372036854775807 > 5 };'
    )
    court = Court(tmp_path, rule)
    decision = court.policy.judge(court.ask("practice set a 3", "ann"))
    assert decision.verdict is Verdict.DENY
    assert "could not be judged" in decision.reason


def test_a_number_that_rules_can_not_hold_means_deny(tmp_path: Path) -> None:
    """Cedar's fractions are bounded."""
    court = Court(tmp_path)
    ask = court.ask("practice every north 3", "ann")
    ask.request.ratio = float("inf")  # type: ignore[attr-defined]
    assert court.policy.judge(ask).verdict is Verdict.DENY


def test_decisions_follow_the_rules_and_people_of_now(tmp_path: Path) -> None:
    """Nothing that is remembered outlives a change."""
    court = Court(tmp_path)
    assert court.says("practice fire a") is Verdict.DENY
    court.people_file.write_text(people({**PEOPLE, "bob": ["owners"]}))
    court.people._file.look(now=True)
    assert court.says("practice fire a") is Verdict.ALLOW
    court.write('forbid (principal, action in Action::"bot:practice", resource);')
    court.policy._file.look(now=True)
    assert court.says("practice fire a") is Verdict.DENY


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("permit (principal, action, resource)\nwhen { context.args.nope == 1 };", "own.cedar:1"),
        ("\n\npermit (principal, action", "own.cedar:3"),
        ("// fine\npermit (principal == ?principal, action, resource);", "own.cedar:2"),
        ('permit (principal, action == Action::"depoly.Ship", resource);', "nothing is called depoly.Ship"),
        ('permit (principal, action == Action::"practice.Fier", resource);', "own.cedar:1"),
        ('@id("owners") permit (principal, action, resource);', "stands at built in"),
        ('@approval("sre") forbid (principal, action, resource);', "own.cedar:1"),
        ('@approval("") permit (principal, action, resource);', "own.cedar:1"),
    ],
)
def test_wrong_rules_keep_the_old_ones(tmp_path: Path, rules: str, said: str) -> None:
    """It says where; what was in force stays in force."""
    court = Court(tmp_path, 'permit (principal in Group::"devs", action in Action::"bot:practice", resource);')
    court.write(rules)
    court.policy._file.look(now=True)
    assert said in court.policy.problem
    assert court.says("practice fire a") is Verdict.ALLOW


def test_rules_that_can_not_be_parsed_stop_the_start(tmp_path: Path) -> None:
    """With file and line."""
    with pytest.raises(SettingsError, match=r"own\.cedar:2"):
        Court(tmp_path, "// mine\npermit (principal, action, resource) when { 1 === 2 };")


def test_a_contract_that_a_rule_does_not_fit_is_not_admitted(tmp_path: Path) -> None:
    """The rule and its place are named, and its commands are denied."""
    with pytest.raises(ContractError, match=r"the rule lost \(own\.cedar:1\)"):
        Court(
            tmp_path, '@id("lost") forbid (principal, action == Action::"practice.Fire", resource) when { context.args.gun };'
        )


def test_rules_may_speak_of_bots_that_are_not_there_yet(tmp_path: Path) -> None:
    """They sleep until the bot comes."""
    rules = 'permit (principal, action in [Action::"memes.Make", Action::"practice.Fire"], resource);'
    court = Court(
        tmp_path, rules + '\nforbid (principal, action == Action::"memes.Roll", resource) when { context.args.dice > 3 };'
    )
    assert court.says("practice fire a") is Verdict.ALLOW


def test_help_knows_what_no_rule_could_permit(tmp_path: Path) -> None:
    """By partial evaluation: yes, no, or it depends."""
    rules = (
        'permit (principal in Group::"devs", action == Action::"practice.Fire", resource) when { context.args.label == "a" };'
    )
    court = Court(tmp_path, rules)
    by_method = {command.method: command for command in practice.contract.commands}
    ever = court.policy.can_ever
    assert ever("ann", "general", by_method["Fire"]) is Chance.YES
    assert ever("bob", "general", by_method["Fire"]) is Chance.MAYBE
    assert ever("cleo", "general", by_method["Fire"]) is Chance.NO
    assert ever("cleo", "general", by_method["Look"]) is Chance.YES
    assert ever("eve", "general", by_method["Look"]) is Chance.NO


def test_the_clock_is_in_utc(tmp_path: Path) -> None:
    """Rules see the hour and the day's name."""
    command = next(command for command in practice.contract.commands if command.method == "Look")
    now = datetime(2026, 11, 27, 23, 59, tzinfo=UTC)
    flags = {"preview": False, "rehearsal": False, "force": False, "own": False}
    told = context(command, command.request_type(), **flags, cause=pb.CAUSE_LINE, now=now)
    assert (told["hour"], told["weekday"]) == (23, "friday")


def test_rules_that_watch_the_clock_are_not_remembered(tmp_path: Path) -> None:
    """A decision of this hour need not hold in the next."""
    court = Court(tmp_path, 'forbid (principal, action == Action::"practice.Fire", resource) when { context.hour > 24 };')
    court.policy._known.clear()
    assert court.says("practice fire a", "ann") is Verdict.ALLOW
    assert not court.policy._known


@pytest.mark.parametrize(
    ("condition", "particular", "timed"),
    [
        ("context.preview", False, False),
        ('context.args.mark == "a"', True, False),
        ('context["a\\u{72}gs"] has mark', True, False),
        ("context has args && context.args has mark", True, False),
        ("context.hour < 9", False, True),
        ('context["wee\\u{6b}day"] == "monday"', False, True),
        ("[context].contains(context)", True, True),
    ],
)
def test_a_rule_knows_what_it_looks_at(condition: str, particular: bool, timed: bool) -> None:
    """However it is spelled: what is remembered of decisions depends on it."""
    (rule,) = parse(f"permit (principal, action, resource) when {{ {condition} }};", "own.cedar")
    assert (rule.particular, rule.timed) == (particular, timed)


def test_decisions_are_remembered_apart_where_a_rule_looks_at_arguments(tmp_path: Path) -> None:
    """And together where none does, until one comes to."""
    court = Court(tmp_path)
    assert court.says("practice set a 1", "cleo") is Verdict.DENY
    assert court.says("practice set b 1", "cleo") is Verdict.DENY
    court.write('permit (principal, action == Action::"practice.Set", resource) when { context.args.mark == "a" };')
    court.policy._file.look(now=True)
    assert court.says("practice set a 1", "cleo") is Verdict.ALLOW
    assert court.says("practice set b 1", "cleo") is Verdict.DENY


def test_secrets_are_no_matter_of_rules() -> None:
    """They are not in what rules are told."""
    parsed = VOCABULARY.parse("practice every north 3 --token hush", Nowhere())
    assert "token" not in arguments(parsed.command, parsed.request)


def test_policies_are_split_with_their_lines() -> None:
    """Semicolons in strings and comments end nothing."""
    first = 'permit (principal, action, resource) when { context.lane == ";\\"//" };'
    text = f'// a;b "\n\n{first}\n forbid (principal,\naction, resource); '
    assert [(rule.where, rule.permits) for rule in parse(text, "f")] == [("f:3", True), ("f:4", False)]


def test_the_digest_changes_with_any_rule(tmp_path: Path) -> None:
    """Approvals are bound to it."""
    before = load(tmp_path).digest
    (tmp_path / "a.cedar").write_text('permit (principal in Group::"x", action, resource);')
    assert load(tmp_path).digest != before


@given(
    field=st.sampled_from(["id", "team", "bot", "method", "digest", "request", "sealed", "room", "preview", "rehearsal", "who"])
)
def test_a_plan_is_bound_to_everything_that_matters(field: str) -> None:
    """Change any part, and an approval is for something else."""

    def envelope() -> pb.Envelope:
        made = pb.Envelope(
            id="i", team="t", bot="b", method="m", digest="d", request=b"r", principal=pb.Principal(person="ann")
        )
        made.origin.room = "general"
        return made

    changed = envelope()
    match field:
        case "room":
            changed.origin.room = "ops"
        case "who":
            changed.principal.person = "bob"
        case "request" | "sealed":
            setattr(changed, field, b"x")
        case "preview" | "rehearsal":
            setattr(changed, field, True)
        case _:
            setattr(changed, field, "x")
    assert plan(changed, "rules") != plan(envelope(), "rules")
    assert plan(envelope(), "other rules") != plan(envelope(), "rules")
    assert plan(envelope(), "rules") == plan(envelope(), "rules")


def test_rules_can_tell_what_is_forced_and_what_is_rehearsed(tmp_path: Path) -> None:
    """And decide by it."""
    rules = """
        permit (principal, action == Action::"practice.Fire", resource) when { context.rehearsal };
        forbid (principal, action == Action::"practice.Fire", resource) when { context.force };
    """
    court = Court(tmp_path, rules)
    assert court.says("practice fire a") is Verdict.DENY
    assert court.says("practice fire a", rehearsal=True) is Verdict.ALLOW
    assert court.says("practice fire a", "ann") is Verdict.ALLOW
    assert court.says("practice fire a", "ann", force=True) is Verdict.DENY


def test_only_owners_say_whether_a_room_rehearses(tmp_path: Path) -> None:
    """Everybody may ask; more is for rules of one's own."""
    rules = 'permit (principal in Group::"sre", action == Action::"house.RehearseOn", resource);'
    court = Court(tmp_path, rules)
    court.policy.admit(house.bot.contract, is_open=False)

    def says(method: str, who: str) -> Verdict:
        command = next(command for command in house.bot.contract.commands if command.method == method)
        ask = Ask(pb.Principal(person=who), command, command.request_type(), "general", pb.CAUSE_LINE)
        return court.policy.judge(ask).verdict

    assert [says("Rehearse", who) for who in ("ann", "bob", "cleo")] == [Verdict.ALLOW] * 3
    assert [says("RehearseOn", who) for who in ("ann", "bob", "cleo")] == [Verdict.ALLOW, Verdict.DENY, Verdict.ALLOW]
    assert [says("RehearseOff", who) for who in ("ann", "bob", "cleo")] == [Verdict.ALLOW, Verdict.DENY, Verdict.DENY]


@pytest.mark.parametrize(
    "change",
    [{"force": True}, {"rehearsal": True}, {"pipe": ["practice fire b"]}, {"table": chat.BlobRef(sha256="a" * 64)}],
)
def test_an_approval_is_for_exactly_what_waits(change: dict[str, Any]) -> None:
    """Forced, rehearsed, gone on with or with another table is another plan."""
    assert plan(pb.Envelope(id="a"), "rules") != plan(pb.Envelope(id="a", **change), "rules")
