"""Contracts as they are read from descriptors."""

from __future__ import annotations

import pytest

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import house_pb2
from bellboard.api.memes.v1 import memes_pb2
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.api.registry.v1 import registry_pb2 as registry
from bellboard.contract import IDEMPOTENT, ONCE, READ, Contract, Kind, Step
from bellboard.contract.files import digest_of
from bellboard.errors import ContractError
from bellboard_practice.v1 import practice_pb2
from tests.unit.contract.making import COLOUR, announce, arg, command, contract

SERVICES = {
    "memes": memes_pb2.DESCRIPTOR.services_by_name["MemesService"],
    "house": house_pb2.DESCRIPTOR.services_by_name["HouseService"],
    "practice": practice_pb2.DESCRIPTOR.services_by_name["PracticeService"],
}


@pytest.fixture
def practice() -> Contract:
    return Contract.of(SERVICES["practice"], "0.1.0")


@pytest.mark.parametrize("bot", SERVICES)
def test_every_contract_survives_its_announcement(bot: str) -> None:
    """What the gateway reads from the bus is what the bot reads from its generated code."""
    ours = Contract.of(SERVICES[bot], "0.1.0")

    theirs = Contract.from_announcement(registry.Announcement.FromString(ours.announcement().SerializeToString()))

    assert (theirs.bot, theirs.digest, theirs.version, theirs.service) == (bot, ours.digest, "0.1.0", SERVICES[bot].full_name)
    assert [c.usage for c in theirs.commands] == [c.usage for c in ours.commands]
    assert [c.blank for c in theirs.commands] == [c.blank for c in ours.commands]
    assert len(ours.digest) == 16


def test_generated_classes_serve_the_author_and_a_pool_of_its_own_the_gateway(practice: Contract) -> None:
    """The gateway reads what was announced, not what happens to be installed where it runs."""
    theirs = Contract.from_announcement(practice.announcement())

    assert practice.command("Fire").request_type is practice_pb2.FireRequest
    assert theirs.command("Fire").request_type is not practice_pb2.FireRequest


def test_what_two_bots_have_in_common_is_held_once_and_else_apart() -> None:
    """Two hundred bots fit into a gateway; one whose copy of a common file differs is read by that copy, and disturbs none."""
    one, other = announce(command("toy")), announce(command("toy", arg("a")))
    strange = announce(command("toy", arg("b")))
    common = next(file for file in strange.files.file if file.name == chat.DESCRIPTOR.name)
    common.message_type.add(name="Strange")
    strange.digest = digest_of(strange.files)

    pools = [Contract.from_announcement(one).commands[0].request_type.DESCRIPTOR.file.pool for one in (one, strange, other)]
    again = Contract.from_announcement(one).commands[0].request_type.DESCRIPTOR.file.pool

    assert again is pools[0]
    assert pools[0] is not pools[1]
    assert "Strange" in pools[1].FindFileByName(common.name).message_types_by_name
    assert "Strange" not in pools[0].FindFileByName(common.name).message_types_by_name
    assert [field.name for field in Contract.from_announcement(other).commands[0].request_type.DESCRIPTOR.fields] == ["a"]


def test_two_versions_of_one_contract_keep_their_own_fields() -> None:
    """The same full names mean different messages under different digests."""
    old = contract(command("toy", arg("a", position=1)))
    new = contract(command("toy", arg("a", "int32", position=1), arg("b")))

    assert old.digest != new.digest
    assert old.commands[0].request_type(a="x").SerializeToString() == b"\n\x01x"
    assert [a.kind for a in new.commands[0].arguments] == [Kind.NUMBER, Kind.WORD]


def test_a_command_is_all_that_its_options_say(practice: Contract) -> None:
    """Phrase, effect, lane, steps, probe and the rest are read once, here."""
    climb, fire, every = practice.command("Climb"), practice.command("Fire"), practice.command("Every")

    assert climb.steps == (Step("boots", IDEMPOTENT), Step("rope", ONCE), Step("top", IDEMPOTENT))
    assert climb.steps[0] == ("boots", IDEMPOTENT)
    assert (climb.exclusive, climb.streaming, climb.lane, climb.deadline) == (("hill",), True, "ops-work", 60.0)
    assert (fire.probe, fire.effect, fire.cancellable, fire.dry_run) == ("Probe", ONCE, True, True)
    assert (every.effect, every.lane, every.action, every.name) == (READ, "ops-read", "practice.Every", "practice every")
    assert [argument.kind for argument in every.arguments] == [
        Kind.ENUM, Kind.NUMBER, Kind.WORD, Kind.WORD, Kind.DURATION, Kind.NUMBER,
        Kind.PERSON, Kind.ROOM, Kind.SWITCH, Kind.WORD, Kind.PICTURE, Kind.REST,
        Kind.RANGE, Kind.AHEAD,
    ]  # fmt: skip


def test_the_usage_shows_each_argument_as_it_is_typed(practice: Contract) -> None:
    """Places first, then small words, then flags, and the rest of the line last; what may be left out in brackets."""
    assert practice.command("Every").usage == (
        "practice every DIRECTION COUNT [to ENV] [--tag TAG] [--for LENGTH] [--ratio RATIO] [--who WHO] [--where WHERE] "
        "[--loud] [--token TOKEN] [--picture PICTURE] [--since SINCE] [--during DURING] [REST...]"
    )


def test_play_has_lanes_of_its_own() -> None:
    """A bot that plays waits for production, and its effects wait apart from its reads."""
    toy = contract(
        command("toy", effect=READ),
        command("toy set", method="Set", effect=IDEMPOTENT),
        lane=options.LANE_PLAY,
    )

    assert [c.lane for c in toy.commands] == ["play-read", "play-work"]


def test_an_effect_left_unsaid_is_the_dangerous_one() -> None:
    """Nobody gets retries by forgetting a line."""
    toy = contract(command("toy", effect=options.EFFECT_UNSPECIFIED, steps=[{"name": "one"}]))

    assert toy.commands[0].effect == ONCE
    assert toy.commands[0].steps == (Step("one", ONCE),)
    assert toy.commands[0].lane == "ops-work"


def test_a_place_must_be_filled_unless_it_has_a_default_or_may_be_empty() -> None:
    """`default: ""` is a default; no default is none."""
    toy = contract(
        command("toy", arg("a", position=1), arg("b", position=2, default=""), arg("c", optional=True, position=3), arg("d"))
    )

    assert [a.required for a in toy.commands[0].arguments] == [True, False, False, False]


def test_an_enum_has_words_of_its_own_or_the_names_of_its_values() -> None:
    """The zero that means "not said" is nothing to type."""
    toy = contract(command("toy", arg("colour", COLOUR, position=1)))

    assert toy.commands[0].arguments[0].choices == ("red", "deep-blue", "leaf.green")


def test_a_turn_is_named_by_the_fields_that_are_exclusive(practice: Contract) -> None:
    """Two climbs of one hill wait for each other, and no other command waits."""
    climb, fire = practice.command("Climb"), practice.command("Fire")

    assert climb.turn_key(practice_pb2.ClimbRequest(hill="north")) == climb.turn_key(practice_pb2.ClimbRequest(hill="north"))
    assert climb.turn_key(practice_pb2.ClimbRequest(hill="north")) != climb.turn_key(practice_pb2.ClimbRequest(hill="south"))
    assert fire.turn_key(practice_pb2.FireRequest(label="a")) == ""


def test_a_turn_of_two_fields_can_not_be_forged_by_what_one_of_them_holds() -> None:
    """A value that looks like another field's stays a value."""
    toy = contract(command("toy", arg("a", position=1), arg("b", position=2), effect=ONCE, exclusive=["a", "b"]))
    made = toy.commands[0].request_type

    assert toy.commands[0].turn_key(made(a="x' b='y", b="")) != toy.commands[0].turn_key(made(a="x", b="y"))


def test_an_unknown_method_is_no_command(practice: Contract) -> None:
    """The probe is a method, and no command."""
    with pytest.raises(ContractError, match="no command Probe"):
        practice.command("Probe")


def test_a_contract_with_another_digest_than_it_says_is_refused(practice: Contract) -> None:
    """The digest names exactly these files."""
    announcement = practice.announcement()
    announcement.digest = "0" * 16

    with pytest.raises(ContractError, match="digest"):
        Contract.from_announcement(announcement)


def test_a_contract_under_another_name_is_refused() -> None:
    """A bot can't announce what another bot's contract says."""
    announcement = announce(command())
    announcement.bot = "memes"

    with pytest.raises(ContractError, match="not memes's"):
        Contract.from_announcement(announcement)


def test_a_contract_without_its_service_is_refused() -> None:
    """The service must be among the files."""
    announcement = announce(command())
    announcement.service = "toy.v1.Other"

    with pytest.raises(ContractError, match="no service"):
        Contract.from_announcement(announcement)


def test_a_contract_without_what_it_needs_is_refused() -> None:
    """Files that import a file that is not there make no pool."""
    announcement = announce(command())
    del announcement.files.file[0]
    announcement.digest = digest_of(announcement.files)

    with pytest.raises(ContractError, match="do not fit together"):
        Contract.from_announcement(announcement)


def test_a_contract_is_no_larger_than_a_message() -> None:
    """Its size is looked at before it is made into a pool."""
    announcement = announce(command("toy", *(arg(f"f{n}", help="x" * 4000) for n in range(80))))

    with pytest.raises(ContractError, match="256 KiB"):
        Contract.from_announcement(announcement)


def test_a_message_that_only_has_the_name_of_a_picture_is_none() -> None:
    """A bot's pool is its own, and may hold anything under any name."""
    announcement = announce(command("toy", arg("picture", ".bellboard.api.chat.v1.BlobRef")))
    chat_file = next(file for file in announcement.files.file if file.name == chat.DESCRIPTOR.name)
    blob = next(message for message in chat_file.message_type if message.name == "BlobRef")
    blob.field[0].name = "something_else"
    announcement.digest = digest_of(announcement.files)

    with pytest.raises(ContractError, match="a type that can't be typed"):
        Contract.from_announcement(announcement)
