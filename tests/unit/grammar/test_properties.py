"""What holds for every contract and every text: nothing breaks the grammar, and a canonical line says its request.

Contracts, requests and lines are made by Hypothesis; the shipped contracts and practice's `every` are among them.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import house_pb2
from bellboard.api.memes.v1 import memes_pb2
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.contract import IDEMPOTENT, READ, Argument, Command, Contract, Kind
from bellboard.errors import ContractError
from bellboard.grammar import NotUnderstood, Parsed, Vocabulary, canonical, help_blocks, normalise
from bellboard.grammar.characters import clean, offence
from bellboard.grammar.values import put
from bellboard_practice.v1 import practice_pb2
from tests.unit.contract.making import COLOUR, DURATION, PICTURE, TYPES, Field, Method, Room, contract

SHIPPED = Vocabulary(
    Contract.of(file.services_by_name[name], "1")
    for name, file in (
        ("MemesService", memes_pb2.DESCRIPTOR),
        ("HouseService", house_pb2.DESCRIPTOR),
        ("PracticeService", practice_pb2.DESCRIPTOR),
    )
)
ROOM = Room()

# --- texts ---

PIECES = st.sampled_from([
    "meme", "list",
    "roll", "practice", "every", "fire", "set", "north", "3", "to", "--tag", "--for=1h", "--who", "@ann", "#ops",
    "--", "---", "?", "!", "fire!", "a?", '"', "'", '""', "\\", '\\"', "=", "a=b", "top=", 'top="a b"', "--top='x", "<http://x|x>",
    "<@ann|A>", "<", ">", "“", "”", "‘", "’", "«", "—", "–", "—tag", "\u00a0", "\u200d", "❤️", "é", "e\u0301", "ж", "aж",
    "-x", "--dry-run",    "\\?", "1h30m", "9" * 30, "can I", "why", "--token", "hunter2",
    "--since", "15m", "10:00-10:30", "14:00..", "fri 16:00..mon 08:00", "D142", "--around", "around", "--during", "--sandbox",
    "--reason why", "today",
])  # fmt: skip
LINES = st.lists(PIECES | st.text(max_size=6), max_size=12).flatmap(
    lambda pieces: st.sampled_from([" ".join(pieces), "".join(pieces)])
)
KNOWN_LINES = st.builds(lambda command, tail: f"{command.name} {tail}", st.sampled_from(SHIPPED.commands), LINES)
# What a line can carry as a value: the grammar folds the rest before it is read.
VALUES = (LINES | st.text(max_size=30)).map(lambda text: text.replace("\ufffd", "")).filter(
    lambda text: text.isprintable() and offence(text) is None
)  # fmt: skip


@given(st.text() | LINES | KNOWN_LINES)
@settings(max_examples=600)
def test_no_text_breaks_the_grammar(text: str) -> None:
    """A line is understood, or it is said what is wrong with it: where, within the line, safe to show, and what is right."""
    try:
        parsed = SHIPPED.parse(text, ROOM)
    except NotUnderstood as error:
        wrong = error
    else:
        assert SHIPPED.knows(text)
        assert "\n" not in parsed.canonical
        return
    assert wrong.reason
    assert wrong.suggestion
    assert 0 <= wrong.caret <= len(wrong.line)
    assert 1 <= wrong.length <= max(1, len(wrong.line) + 1 - wrong.caret)
    assert clean(wrong.line) == wrong.line


@given(st.binary())
def test_no_bytes_break_the_grammar(data: bytes) -> None:
    """However they are decoded."""
    for text in (data.decode("latin-1"), data.decode("utf-8", "replace"), data.decode("utf-8", "surrogateescape")):
        SHIPPED.knows(text)
        SHIPPED.complete(text, len(text), ROOM)
        help_blocks(SHIPPED, text, lambda _: True)
        try:
            SHIPPED.parse(text, ROOM)
        except NotUnderstood as error:
            error.line.encode()


@given(LINES | KNOWN_LINES, st.integers(0, 80))
def test_completion_takes_any_text_and_any_cursor(text: str, cursor: int) -> None:
    """And what it offers begins within the line."""
    for offer in SHIPPED.complete(text, cursor, ROOM):
        assert 0 <= offer.start <= len(text)


@given(st.text() | LINES)
@settings(max_examples=400)
def test_reading_a_line_once_more_changes_nothing(text: str) -> None:
    """So it does not matter who read it first."""
    try:
        line = normalise(text)
    except NotUnderstood:
        return

    assert normalise(line) == line


@given(KNOWN_LINES)
@settings(max_examples=600)
def test_every_line_that_is_understood_has_a_canonical_form(line: str) -> None:
    """Which means the same, and is its own canonical form."""
    try:
        parsed = SHIPPED.parse(line, ROOM)
    except NotUnderstood:
        return
    written = rewritten(parsed)
    again = SHIPPED.parse(written, ROOM)

    assert (again.command, again.preview, again.force) == (parsed.command, parsed.preview, parsed.force)
    assert again.rehearsal == parsed.rehearsal
    assert again.request == parsed.request
    assert rewritten(again) == written


def rewritten(parsed: Parsed) -> str:
    return canonical(
        parsed.command,
        parsed.request,
        mask=False,
        preview=parsed.preview,
        force=parsed.force,
        rehearsal=parsed.rehearsal,
    )


# --- requests ---


def text_values(argument: Argument) -> st.SearchStrategy[str]:
    low, high = (
        (0, 30) if argument.repeated else (int(argument.min or 0), int(argument.max if argument.max is not None else 60))
    )
    return VALUES.filter(lambda text: low <= len(text) <= high and normalises_to_itself(text))


def normalises_to_itself(text: str) -> bool:
    """Whether a value survives within double quotes, as a typed one has."""
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    try:
        return normalise(f"x {quoted} y") == f"x {quoted} y" and len(quoted) < 400
    except NotUnderstood:
        return False


def numbers(argument: Argument) -> st.SearchStrategy[Any]:
    low = argument.min if argument.min is not None and not argument.repeated else None
    high = argument.max if argument.max is not None and not argument.repeated else None
    width = argument.field.cpp_type
    if width in (argument.field.CPPTYPE_DOUBLE, argument.field.CPPTYPE_FLOAT):
        single = width == argument.field.CPPTYPE_FLOAT
        return st.floats(low, high, allow_nan=False, allow_infinity=False, width=32 if single else 64)
    signed = width in (argument.field.CPPTYPE_INT32, argument.field.CPPTYPE_INT64)
    size = (
        31 if width == argument.field.CPPTYPE_INT32 else 63 if signed else 32 if width == argument.field.CPPTYPE_UINT32 else 64
    )
    least, most = (-(2**size) if signed else 0), 2**size - 1
    return st.integers(max(least, int(low)) if low is not None else least, min(most, int(high)) if high is not None else most)


def values(argument: Argument) -> st.SearchStrategy[Any]:
    """What a line can set an argument to."""
    match argument.kind:
        case Kind.NUMBER:
            return numbers(argument)
        case Kind.SWITCH:
            return st.booleans()
        case Kind.ENUM:
            return st.sampled_from(list(argument.words))
        case Kind.DURATION:
            return st.tuples(st.integers(0, 10**9), st.integers(0, 10**9 - 1))
        case Kind.PERSON:
            return st.sampled_from(ROOM.people())
        case Kind.ROOM:
            return st.sampled_from(ROOM.rooms())
        case Kind.PICTURE:
            return st.just(Room.blob)
        case Kind.RANGE | Kind.AHEAD:
            return ranges(ahead=argument.kind is Kind.AHEAD)
        case _:
            return text_values(argument)


MOMENTS = st.integers(946_684_800, 4_102_444_800)


@st.composite
def ranges(draw: st.DrawFn, *, ahead: bool) -> chat.TimeRange:
    """A time range that a line can say."""
    made = chat.TimeRange()
    match draw(st.integers(0, 1 if ahead else 3)):
        case 0:
            made.last.seconds, made.last.nanos = draw(st.integers(1, 10**9)), draw(st.integers(0, 10**9 - 1))
        case 1:
            start, end = sorted(draw(st.lists(MOMENTS, min_size=2, max_size=2, unique=True)))
            has = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
            made.between.SetInParent()
            for name, moment, given_ in zip(("start", "end"), (start, end), has, strict=True):
                if given_:
                    getattr(made.between, name).FromSeconds(moment)
        case 2:
            made.since = f"D{draw(st.integers(0, 10**9 - 1))}"
        case _:
            made.around = f"L{draw(st.integers(0, 10**9 - 1))}"
    return made


@st.composite
def requests(draw: st.DrawFn, command: Command) -> Any:
    """A request that a line can say: what must be given is, and of the rest some."""
    request = command.request_type.FromString(command.blank)
    for argument in command.arguments:
        if argument.kind is Kind.TABLE or (not argument.required and draw(st.booleans())):
            continue
        request.ClearField(argument.name)
        if argument.repeated:
            low, high = int(argument.min or 1), int(argument.max or 3)
            for value in draw(st.lists(values(argument), min_size=max(1, low), max_size=max(1, low, min(high, 3)))):
                put(request, argument, value)
        else:
            put(request, argument, draw(values(argument)))
    return request


def check(vocabulary: Vocabulary, command: Command, request: Any, preview: bool, force: bool, rehearsal: bool = False) -> None:
    force = force and bool(command.force) and bool(getattr(request, command.force))
    line = canonical(command, request, mask=False, preview=preview, force=force, rehearsal=rehearsal)
    try:
        parsed = vocabulary.parse(line, ROOM, piped=command.table is not None)
    except NotUnderstood as error:
        assume("longer than" not in error.reason and "more than 64" not in error.reason)
        raise
    assert parsed.command is command, line
    assert parsed.request == request, line
    assert (parsed.preview, parsed.force, parsed.rehearsal) == (preview, force, rehearsal), line


@pytest.mark.parametrize("action", [command.action for command in SHIPPED.commands])
@given(data=st.data(), force=st.booleans(), preview=st.booleans(), rehearsal=st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
def test_a_request_survives_its_line(action: str, data: st.DataObject, force: bool, preview: bool, rehearsal: bool) -> None:
    """Contract to request to line to the same request, for every command that ships, and practice's `every`."""
    command = next(command for command in SHIPPED.commands if command.action == action)

    check(SHIPPED, command, data.draw(requests(command)), preview and command.dry_run, force, rehearsal)


@given(data=st.data())
@settings(max_examples=100)
def test_a_masked_line_shows_no_secret(data: st.DataObject) -> None:
    """Whatever it is."""
    secret = data.draw(st.text("xyz", min_size=4, max_size=20))
    parsed = SHIPPED.parse(f"practice every north 3 --token {secret}", ROOM)

    assert secret not in parsed.canonical
    assert parsed.canonical == "practice every north 3 --token ••••"


# --- contracts ---

NAMES = st.sampled_from(["app", "version", "env", "tags", "count", "to_whom", "note", "size", "part", "zone"])
WORDS = st.sampled_from(["to", "on", "in", "for", "since", "red"])
SCALARS = st.sampled_from([*(name for name in TYPES if name != "bytes"), DURATION, PICTURE, COLOUR])
DEFAULTS = {"string": "some text", "bool": "yes", DURATION: "1h", COLOUR: "red"}


TEXTS: list[dict[str, Any]] = [
    {},
    {"secret": True},
    {"kind": options.ARGUMENT_KIND_REST},
    {"kind": options.ARGUMENT_KIND_PERSON},
]


@st.composite
def fields(draw: st.DrawFn, name: str, position: int) -> Field:
    """Any field at all; most are allowed by the rules."""
    type_ = draw(SCALARS)
    said: dict[str, Any] = {"position": position} if position else {}
    if not position and draw(st.booleans()):
        said["word"] = draw(WORDS)
    if draw(st.booleans()) and type_ != PICTURE:
        said["default"] = draw(st.just("") | st.just(DEFAULTS.get(type_, "7")))
    elif type_ == "string":
        said |= draw(st.sampled_from(TEXTS))
    if draw(st.integers(0, 3)) == 0 and type_ in {"string", "int32", "double"}:
        said |= {"min": draw(st.integers(0, 2)), "max": draw(st.integers(2, 9))}
    if not said.get("default"):
        said["required"] = draw(st.booleans()) and type_ != "bool"
    return Field(name, type_, draw(st.integers(0, 4)) == 0, draw(st.integers(0, 4)) == 0 and type_ in TYPES, said)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    """A contract of one or two commands with up to six arguments each."""
    methods = []
    for index, phrase in enumerate(draw(st.sampled_from([["toy"], ["toy", "toy red"], ["Toy Box", "toy"], ["red", "red to"]]))):
        names = draw(st.lists(NAMES, unique=True, max_size=6))
        placed = draw(st.integers(0, len(names)))
        made = [draw(fields(name, place + 1 if place < placed else 0)) for place, name in enumerate(names)]
        effect = draw(st.sampled_from([READ, IDEMPOTENT]))
        said = {"phrase": phrase, "summary": "play", "effect": effect, "dry_run": effect == IDEMPOTENT}
        methods.append(Method(f"Play{index}", [f for f in made if not (f.repeated and f.optional)], said))
    try:
        return contract(*methods)
    except ContractError:
        assume(False)
        raise


@given(data=st.data(), preview=st.booleans(), force=st.booleans())
@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
def test_a_request_of_any_contract_survives_its_line(data: st.DataObject, preview: bool, force: bool) -> None:
    """Contracts as they may come from anyone who is enrolled."""
    made = data.draw(contracts())
    vocabulary = Vocabulary([made])
    command = data.draw(st.sampled_from(made.commands))

    check(vocabulary, command, data.draw(requests(command)), preview and command.dry_run, force)
    assert help_blocks(vocabulary, command.name, lambda _: True).blocks
