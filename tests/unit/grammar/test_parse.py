"""Lines to requests: what is typed, what is meant."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import house_pb2
from bellboard.api.memes.v1 import memes_pb2
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.contract import ONCE, Contract
from bellboard.errors import ContractError, UserError
from bellboard.grammar import NotUnderstood, Parsed, Vocabulary
from bellboard_practice.v1 import practice_pb2
from tests.unit.contract.making import COLOUR, DURATION, PICTURE, Room, arg, command, contract

REST: dict[str, Any] = {"kind": options.ARGUMENT_KIND_REST}
EVERY = "practice every north 3"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """Memes, the house and practice."""
    services = (
        memes_pb2.DESCRIPTOR.services_by_name["MemesService"],
        house_pb2.DESCRIPTOR.services_by_name["HouseService"],
        practice_pb2.DESCRIPTOR.services_by_name["PracticeService"],
    )
    return Vocabulary(Contract.of(service, "1") for service in services)


def fields(parsed: Parsed) -> dict[str, Any]:
    return MessageToDict(parsed.request, preserving_proto_field_name=True)


@pytest.mark.parametrize(
    ("line", "method", "expected"),
    [
        ('meme paged "works" "on mine"', "Make", {"template": "TEMPLATE_PAGED", "top": "works", "bottom": "on mine"}),
        ("MEME Ship-It works", "Make", {"template": "TEMPLATE_SHIP_IT", "top": "works"}),
        ('meme this-is-fine "" fine', "Make", {"template": "TEMPLATE_THIS_IS_FINE", "bottom": "fine"}),
        ("meme paged bottom=low --top=high", "Make", {"template": "TEMPLATE_PAGED", "top": "high", "bottom": "low"}),
        ("meme paged --bottom low high", "Make", {"template": "TEMPLATE_PAGED", "top": "high", "bottom": "low"}),
        ("meme list", "List", {}),
        ("  meme   list  ", "List", {}),
        ("roll", "Roll", {"dice": "d6"}),
        ("roll 2d6", "Roll", {"dice": "2d6"}),
        ("why?", "Why", {}),
        ("can i meme list --all?", "Can", {"line": "meme list --all?"}),
        ('help "unclosed', "Help", {"about": '"unclosed'}),
        ("reject k3f9 not on a  Friday", "Reject", {"id": "k3f9", "reason": "not on a  Friday"}),
        ("resolve k3f9 FAILED", "Resolve", {"id": "k3f9", "outcome": "FAILED"}),
        ("running --all", "Running", {"all": True}),
        ("running --all=no", "Running", {}),
        ("running all=yes", "Running", {"all": True}),
        ("practice look don't", "Look", {"word": "don't"}),
        ("practice look 'a b'", "Look", {"word": "a b"}),
        (r'practice look "a \"b\" \\ \d"', "Look", {"word": r'a "b" \ \d'}),
        ("practice look https://x/?a=b", "Look", {"word": "https://x/?a=b"}),
        ("practice look -- --wait", "Look", {"word": "--wait"}),
        ('practice look "--wait"', "Look", {"word": "--wait"}),
        ("practice look -1", "Look", {"word": "-1"}),
        ("practice look -", "Look", {"word": "-"}),
        ('practice look word="a b"', "Look", {"word": "a b"}),
        ("practice look other=b", "Look", {"word": "other=b"}),
        ("practice set a 3 --wait 1m30s", "Set", {"mark": "a", "value": 3, "wait": "90s"}),
        ("practice set a -- 3", "Set", {"mark": "a", "value": 3}),
        ("practice send practice look --wait 1s", "Send", {"line": "practice look --wait 1s"}),
    ],
)  # fmt: skip
def test_a_line_means_one_request(vocabulary: Vocabulary, line: str, method: str, expected: dict[str, Any]) -> None:
    """Phrases mind no case, quotes are a shell's, and names may be given."""
    parsed = vocabulary.parse(line, Room())

    assert (parsed.command.method, fields(parsed)) == (method, expected)
    assert not parsed.preview
    assert not parsed.force


def test_an_argument_of_every_kind_is_read(vocabulary: Vocabulary) -> None:
    """The line of practice's own example, with all that it can take."""
    parsed = vocabulary.parse(
        f"{EVERY} to prod --tag a --tag b --for 1h30m --ratio 0.5 --who @ann --where #ops --loud --token s3 "
        "--picture last and the rest",
        Room(),
    )

    assert fields(parsed) == {
        "direction": "DIRECTION_NORTH", "count": 3, "env": "prod", "tag": ["a", "b"], "length": "5400s", "ratio": 0.5,
        "who": "ann", "where": "ops", "loud": True, "token": "s3",
        "picture": MessageToDict(Room.blob, preserving_proto_field_name=True), "rest": "and the rest",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "seconds", "nanos"),
    [
        ("15m", 900, 0), ("2h", 7200, 0), ("1h30m", 5400, 0), ("3d", 259_200, 0), ("1w", 604_800, 0), ("1W2D", 777_600, 0),
        ("500ms", 0, 500_000_000),
    ],
)  # fmt: skip
def test_a_length_of_time_is_whole_units(vocabulary: Vocabulary, typed: str, seconds: int, nanos: int) -> None:
    """Largest first, each once."""
    request: Any = vocabulary.parse(f"practice look --wait {typed}", Room()).request

    assert (request.wait.seconds, request.wait.nanos) == (seconds, nanos)


@pytest.mark.parametrize("typed", ["", "5", "m", "1m1h", "1h1h", "-1m", "1.5h", "1 h", "9" * 30 + "w", "١m", "1y"])
def test_other_lengths_of_time_are_refused(vocabulary: Vocabulary, typed: str) -> None:
    """Nothing is guessed, and nothing lasts for ever."""
    with pytest.raises(NotUnderstood, match=r"length of time|dash"):
        vocabulary.parse(f'practice look --wait "{typed}"', Room())


def test_a_name_is_what_the_room_says_it_is(vocabulary: Vocabulary) -> None:
    """People and rooms are ids, with their sign or without, and as chat systems mark them."""
    for named in ("--who ann --where ops", "--who <@ann|AnnK> --where <#ops|Operations>", "who=@ann where=#ops"):
        parsed = vocabulary.parse(f"{EVERY} {named}", Room())
        assert (fields(parsed)["who"], fields(parsed)["where"]) == ("ann", "ops")


def test_an_upload_is_the_picture_that_was_left_out(vocabulary: Vocabulary) -> None:
    """Drag and drop needs no flag; without an upload there is no picture."""
    assert fields(vocabulary.parse("meme picture hi", Room(uploaded=True)))["picture"]["name"] == "cat.png"
    assert "picture" not in fields(vocabulary.parse("meme picture hi", Room()))
    assert fields(vocabulary.parse("meme picture hi --on last", Room()))["picture"]["size"] == "7"


def test_a_picture_fits_a_contract_of_any_pool() -> None:
    """The scope's picture is of this process's types, the request is of the bot's."""
    toys = Vocabulary([contract(command("toy", arg("picture", PICTURE)))])
    request: Any = toys.parse("toy --picture last", Room()).request

    assert request.picture.sha256 == Room.blob.sha256
    assert not isinstance(request.picture, chat.BlobRef)


@pytest.mark.parametrize(
    "tail", ["a?", "a ?", '"a"?', "a --wait 1s?", "--dry-run a", "label=a??", '--label "a"?', "a --dry-run?"]
)
def test_a_question_mark_previews(vocabulary: Vocabulary, tail: str) -> None:
    """Glued or apart, and never a part of the last value."""
    parsed = vocabulary.parse(f"practice fire {tail}", Room())

    assert parsed.preview
    assert fields(parsed)["label"] == "a"


def test_a_quoted_question_mark_is_text(vocabulary: Vocabulary) -> None:
    """Quotes make anything a value."""
    parsed = vocabulary.parse('practice fire "a?"', Room())

    assert (parsed.preview, fields(parsed)["label"]) == (False, "a?")


def test_the_rest_of_a_line_previews_too_where_there_is_something_to_preview() -> None:
    """The safe reading wins; a question mark that is meant has a backslash."""
    toys = Vocabulary([contract(command("say", arg("text", position=1, **REST), effect=ONCE, dry_run=True))])

    asked, told = toys.parse("say is it on?", Room()), toys.parse(r"say is it on\?", Room())

    assert (asked.preview, fields(asked)["text"]) == (True, "is it on")
    assert (told.preview, fields(told)["text"]) == (False, "is it on?")


def test_what_can_not_be_previewed_is_not_run_instead(vocabulary: Vocabulary) -> None:
    """A question about an effect is never taken for an order; about a reading it is only politeness."""
    with pytest.raises(NotUnderstood, match="can't show what it would do") as raised:
        vocabulary.parse("practice climb north?", Room())
    assert raised.value.caret == len("practice climb north")
    with pytest.raises(NotUnderstood, match="can't show what it would do"):
        vocabulary.parse("practice climb north --dry-run", Room())

    assert fields(vocabulary.parse("why k3f9?", Room())) == {"id": "k3f9"}


def test_a_question_mark_within_the_phrase_is_no_phrase(vocabulary: Vocabulary) -> None:
    """`deploy? shop` is not quietly run."""
    with pytest.raises(NotUnderstood):
        vocabulary.parse("practice fire? a", Room())


@pytest.mark.parametrize("line", ["practice fire! a --reason late", "practice FIRE! a reason=late"])
def test_a_bang_behind_the_verb_forces(vocabulary: Vocabulary, line: str) -> None:
    """Only there; and it is shown on the card."""
    parsed = vocabulary.parse(line, Room())

    assert parsed.force
    assert parsed.canonical == "practice fire! a --reason late"
    assert not vocabulary.parse("practice fire a!", Room()).force


def test_who_forces_says_why(vocabulary: Vocabulary) -> None:
    """And what has nothing to pass over can't be forced."""
    with pytest.raises(NotUnderstood, match="needs a reason") as no_reason:
        vocabulary.parse("practice fire! a", Room())
    with pytest.raises(NotUnderstood, match="can't be forced"):
        vocabulary.parse("practice look! a", Room())

    assert no_reason.value.suggestion == '--reason "why"'


def test_a_flag_may_have_a_letter() -> None:
    """Which stands for it with its value behind; another letter is no flag, and a quoted one is a word."""
    toys = Vocabulary([contract(command("toy", arg("words", repeated=True, position=1), arg("context", "uint32", short="C")))])
    parsed = toys.parse("toy a -C 3 b", Room())

    assert parsed.canonical == "toy a b --context 3"
    assert toys.parse('toy "-C"', Room()).canonical == 'toy "-C"'
    for wrong in ("toy a -c 3", "toy a -C", "toy a -D 3"):
        with pytest.raises(NotUnderstood):
            toys.parse(wrong, Room())


def test_any_command_can_be_rehearsed(vocabulary: Vocabulary) -> None:
    """Wherever the flag stands."""
    for line in ("practice fire a --sandbox", "practice fire --sandbox a"):
        parsed = vocabulary.parse(line, Room())

        assert parsed.rehearsal
        assert parsed.canonical == "practice fire a --sandbox"


def test_a_table_comes_from_a_pipe_alone(vocabulary: Vocabulary) -> None:
    """What takes one can't stand first, and what takes none can't stand behind a pipe."""
    with pytest.raises(NotUnderstood, match="pipe one into it"):
        vocabulary.parse("practice total", Room())
    with pytest.raises(NotUnderstood, match="takes no table"):
        vocabulary.parse("practice look", Room(), piped=True)

    assert vocabulary.parse("practice total", Room(), piped=True).canonical == "practice total"


def test_around_is_a_flag_and_a_word(vocabulary: Vocabulary) -> None:
    """Whatever the time range's own flag is; and it needs an id."""
    for line in (
        "practice every north 1 --around d142",
        "practice every north 1 around D142",
        "practice every north 1 --around=D142",
    ):
        assert vocabulary.parse(line, Room()).request.since.around == "D142"  # type: ignore[attr-defined]
    for line in ("practice every north 1 --around", "practice every north 1 --around noon"):
        with pytest.raises(NotUnderstood, match="needs an id"):
            vocabulary.parse(line, Room())
    with pytest.raises(NotUnderstood, match="given twice"):
        vocabulary.parse("practice every north 1 --since 1h --around D142", Room())


def test_a_time_range_may_be_several_words(vocabulary: Vocabulary) -> None:
    """As many as make one; what follows is what follows."""
    for typed in ("2026-11-20 10:00..11:00", "2026-11-20 10:00-11:00", "2026-11-20T10:00 .. 11:00", '"2026-11-20 10:00-11:00"'):
        parsed = vocabulary.parse(f"practice every north --since {typed} 3", Room())
        between = parsed.request.since.between  # type: ignore[attr-defined]
        assert (between.end.seconds - between.start.seconds, parsed.request.count) == (3600, 3)  # type: ignore[attr-defined]
    with pytest.raises(NotUnderstood, match="is a time range"):
        vocabulary.parse("practice every north --since soon 10:00 3", Room())


def test_the_longest_phrase_wins(vocabulary: Vocabulary) -> None:
    """Unless the word is quoted, which makes it a value."""
    toys = Vocabulary([contract(command("toy", arg("a", position=1)), command("toy list", method="List"))])

    assert toys.parse("toy list", Room()).command.method == "List"
    assert toys.parse("toy listen", Room()).command.method == "Play"
    parsed = toys.parse('toy "list"', Room())
    assert (parsed.command.method, parsed.canonical) == ("Play", 'toy "list"')


def test_an_alias_calls_the_same_command() -> None:
    """The canonical line has the phrase."""
    toys = Vocabulary([contract(command("toy", aliases=["play with"]))])

    assert toys.parse("play with", Room()).canonical == "toy"


def test_what_is_repeated_takes_what_is_left() -> None:
    """By place, by flag, or both; and its count is bounded."""
    tags = arg("tags", COLOUR, repeated=True, position=2, min=2, max=3)
    toys = Vocabulary([contract(command("toy", arg("a", position=1), tags))])

    assert fields(toys.parse("toy x red red --tags leaf.green", Room()))["tags"] == ["COLOUR_RED", "COLOUR_RED", "COLOUR_GREEN"]
    assert "tags" not in fields(toys.parse("toy x", Room()))
    for line in ("toy x red", "toy x red red red red"):
        with pytest.raises(NotUnderstood, match="between 2 and 3 values"):
            toys.parse(line, Room())


def test_a_default_gives_way_to_what_is_typed() -> None:
    """Of every kind, what is repeated included."""
    tags, on = arg("tags", repeated=True, default="x"), arg("on", "bool", default="yes")
    toys = Vocabulary([contract(command("toy", tags, on, arg("for_", DURATION, flag="for", default="1h")))])

    assert fields(toys.parse("toy", Room())) == {"tags": ["x"], "on": True, "for_": "3600s"}
    assert fields(toys.parse("toy --tags y --tags z --on=no --for 0s", Room())) == {"tags": ["y", "z"], "for_": "0s"}


MEME = "meme TEMPLATE [TOP] [BOTTOM] [--on PICTURE]"
PRACTICE = Contract.of(practice_pb2.DESCRIPTOR.services_by_name["PracticeService"], "1").commands
EVERY_USAGE = next(command.usage for command in PRACTICE if command.name == "practice every")
WRONG = [
    # the line, its mark, the reason, the nearest right form
    ("", "", "the line is empty", "help"),
    ("mem list", "^^^", "there is no command “mem”", "meme list"),
    ("practice frie a", "         ^^^^", "there is no command “practice frie”", "practice fire"),
    ("practice", "^^^^^^^^", "there is no command “practice”", "practice look"),
    ("meme shipit", "     ^^^^^^", "TEMPLATE is one of ship-it, this-is-fine, paged, picture", "ship-it"),
    ("meme", "    ^", "TEMPLATE is missing: what to draw on", MEME),
    ("meme list x", "          ^", "“x” is one word too many", "meme list"),
    ("meme paged a b c", "               ^", "“c” is one word too many", MEME),
    ("practice every north 11", "                     ^^", "COUNT takes between 1 and 10", EVERY_USAGE),
    ("practice every north x", "                     ^", "COUNT is a whole number, not “x”", EVERY_USAGE),
    ("practice every north 1.5", "                     ^^^", "COUNT is a whole number, not “1.5”", EVERY_USAGE),
    (f"{EVERY} --ratio nan", " " * 31 + "^^^", "RATIO is a number, not “nan”", EVERY_USAGE),
    (f"{EVERY} --ratio 1e999", " " * 31 + "^^^^^", "RATIO is a number, not “1e999”", EVERY_USAGE),
    (f"{EVERY} --who @ani", " " * 29 + "^^^^", "WHO: nobody here is called “@ani”", "@ann"),
    (f"{EVERY} --where #opps", " " * 31 + "^^^^^", "WHERE: there is no room “#opps”", "#ops"),
    (f"{EVERY} --picture first", " " * 33 + "^^^^^", "PICTURE: there is no picture “first” here", "last"),
    (f"{EVERY} --luod", " " * 23 + "^^^^^^", "practice every has no flag --luod", "--loud"),
    ("meme --list", "     ^^^^^^", "meme has no flag --list", "meme list"),
    (f"{EVERY} --loud --loud", " " * 30 + "^^^^^^", "LOUD is given twice", EVERY_USAGE),
    (f"{EVERY} to a to b", " " * 31 + "^", "ENV is given twice", EVERY_USAGE),
    (f"{EVERY} --for", " " * 23 + "^^^^^", "--for needs a length of time, such as 1h30m", "--for LENGTH"),
    (f"{EVERY} --for --loud", " " * 23 + "^^^^^", "--for needs a length of time, such as 1h30m", "--for LENGTH"),
    (f"{EVERY} to", " " * 23 + "^^", "to needs text", "to ENV"),
    ("practice look -wait", " " * 14 + "^^^^^", "flags have two dashes; a value that begins with a dash is quoted", "--wait"),
    ('practice look "a b', "              ^^^^", "the quote is not closed", 'close it with "'),
    ("practice look 'a b", "              ^^^^", "the quote is not closed", "close it, or put the whole in double quotes"),
    (
        "practice look 'don't'", " " * 19 + "^",
        "a space is missing after the quote", "put what holds an apostrophe in double quotes",
    ),
    ('practice look a"b', "               ^", "a quote stands within a word", "put a space before it, or quote the whole"),
    ("meme paged " + "x" * 121, " " * 11 + "^" * 121, "TOP takes at most 120 characters", MEME),
]  # fmt: skip


@pytest.mark.parametrize(("line", "mark", "reason", "suggestion"), WRONG)
def test_an_error_says_what_is_wrong_where_and_the_nearest_right_form(
    vocabulary: Vocabulary, line: str, mark: str, reason: str, suggestion: str
) -> None:
    """The mark stands under the line as it was read."""
    with pytest.raises(NotUnderstood) as raised:
        vocabulary.parse(line, Room())

    error = raised.value
    assert (error.reason, error.suggestion, error.line) == (reason, suggestion, line)
    assert " " * error.caret + "^" * error.length == (mark or "^")
    assert isinstance(error, UserError)
    assert error.code == "not_understood"


def test_an_error_shows_the_form_of_its_command(vocabulary: Vocabulary) -> None:
    """Where a command was recognised."""
    with pytest.raises(NotUnderstood) as raised:
        vocabulary.parse("roll 1 2", Room())

    assert raised.value.usage == "roll [DICE]"


@pytest.mark.parametrize(
    ("tail", "shown"),
    [
        ("--token hunter2 --luod", "--token ••••••• --luod"),
        ("--luod --token=hunter2", "--luod --token=•••••••"),
        ("token=hunter2 --luod", "token=••••••• --luod"),
        ('--token "hunter2', "--token ••••••••"),
        ('--token "a hunter2" --luod', '--token ••••••••••• --luod'),
        ("--token hun\u200bter2", "--token ••••••••"),
    ],
)  # fmt: skip
def test_an_error_shows_no_secret(vocabulary: Vocabulary, tail: str, shown: str) -> None:
    """Whatever is wrong with the line, and wherever."""
    with pytest.raises(NotUnderstood) as raised:
        vocabulary.parse(f"{EVERY} {tail}", Room())

    assert raised.value.line == f"{EVERY} {shown}"
    assert "hunter2" not in str(raised.value)


def test_an_error_shows_no_secret_that_has_no_name() -> None:
    """With a secret among the unnamed arguments, all of them are hidden."""
    toys = Vocabulary([contract(command("login", arg("password", position=1, secret=True)))])

    with pytest.raises(NotUnderstood) as raised:
        toys.parse("login open sesame", Room())

    assert (raised.value.line, raised.value.reason) == ("login •••• ••••••", "this is one word too many")


def test_the_newest_contract_of_a_bot_is_parsed_by() -> None:
    """While old and new replicas run side by side."""
    old, new = contract(command("toy", arg("a", position=1))), contract(command("toy", arg("a", "int32", position=1)))

    assert fields(Vocabulary([old, new]).parse("toy 3", Room())) == {"a": 3}
    assert fields(Vocabulary([new, old]).parse("toy 3", Room())) == {"a": "3"}


@pytest.mark.parametrize("second", ["toy", "Toy", "toy list"])
def test_a_phrase_has_one_owner(second: str) -> None:
    """A second claim is refused loudly, also on what begins with the phrase."""
    with pytest.raises(ContractError, match=r"claimed by robot.* toy's"):
        Vocabulary([contract(command("toy")), contract(command(second), bot="robot")])


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("roll 2d6", True), ("  ROLL", True), ("roll!", True), ("roll?", True), ("can i", True), ("meme shipit", True),
        ("", False), ("   ", False), ("rolling", False), ("can you", False), ("practice", False), ("meme? x", False),
        ("дrоll", False), ("\u202eroll", False), ("\ud800", False), ("hello\nroll", False),
        ("x" * 1_000_000, False), ("roll " * 300_000, True),
    ],
)  # fmt: skip
def test_a_line_is_known_by_its_first_words(vocabulary: Vocabulary, text: str, known: bool) -> None:
    """That is what tells a command from talk, of any size and script."""
    assert vocabulary.knows(text) is known
