"""Lines as JSON, as text and as syslog."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard_logs.entries import ERROR, INFO, UNKNOWN, WARNING
from bellboard_logs.ingest.lines import LONGEST, read
from bellboard_logs.ingest.syslog import parse

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp()


def test_a_line_of_json_comes_apart() -> None:
    """Fields of the usual names, and the rest together."""
    entry = read('{"ts":"2026-11-22T11:00:00Z","level":"ERROR","app":"shop","version":"v2","msg":"no","order":7}', now=NOW)

    assert (entry.at, entry.level, entry.app, entry.version) == (NOW - 3600, ERROR, "shop", "v2")
    assert (entry.message, entry.more) == ("no", '{"order":7}')


@pytest.mark.parametrize("at", ["1700000000", "1700000000.0", "1700000000000", "1700000000000000000", '"2023-11-14T22:13:20Z"'])
def test_a_time_has_many_forms(at: str) -> None:
    """Seconds, milliseconds, nanoseconds, ISO 8601."""
    assert read(f'{{"ts":{at},"msg":"x"}}', now=NOW).at == 1_700_000_000


@pytest.mark.parametrize(("text", "level"), [("12:00 WARN slow", WARNING), ("level=info ok", INFO), ("terror", UNKNOWN)])
def test_a_level_is_found_in_text(text: str, level: int) -> None:
    """Where it stands as a word of its own."""
    assert read(text, now=NOW).level == level


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[1;31mERROR\x1b[0m the \x1b[33mtoken\x1b[0m is wrong",
        '{"level":"\\u001b[31merror\\u001b[39m","msg":"ERROR the \\u001b[33mtoken\\u001b[0m is wrong","k":"\\u001b[1mv"}',
        "\x1b]0;title\x07ERROR the token is wrong",
    ],
)
def test_colours_are_left_out(text: str) -> None:
    """Words and levels are found, and secrets masked, as if nobody had coloured them."""
    entry = read(text, now=NOW)

    assert (entry.level, entry.message) == (ERROR, "ERROR the token is wrong")
    assert entry.more in ("", '{"k":"v"}')


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00"])
def test_a_time_that_can_not_be_is_now(at: str) -> None:
    """The store has no place for it, and would take none of the lines that come with it."""
    assert parse(f"<14>1 {at} web-1 shop - - - hello", now=NOW).at == NOW


def test_a_named_environment_can_not_be_talked_over() -> None:
    """What comes from the sandbox is the sandbox's."""
    assert read('{"env":"prod","msg":"x"}', now=NOW, env="sandbox").env == "sandbox"


@given(st.text())
def test_any_text_is_a_line(text: str) -> None:
    """Nothing is too odd to be kept, and what is kept can be stored."""
    for entry in (read(text, now=NOW), parse(text, now=NOW)):
        entry.message.encode()
        assert len(entry.message) <= LONGEST
        assert "\0" not in entry.message


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_any_json_is_a_line(value: object) -> None:
    """Whatever types its fields have."""
    import orjson

    try:
        text = orjson.dumps({"msg": value, "level": value, "ts": value, "app": value, "x": value}).decode()
    except (TypeError, orjson.JSONEncodeError):
        return
    read(text, now=NOW).message.encode()


def test_rfc_5424_is_read() -> None:
    """With structured data."""
    entry = parse('<11>1 2026-11-22T11:00:00Z web-1 shop 42 ID7 [a@1 k="v\\"]"] token mismatch', now=NOW)

    assert (entry.at, entry.level, entry.app, entry.replica) == (NOW - 3600, ERROR, "shop", "web-1")
    assert (entry.message, entry.more) == ("token mismatch", '[a@1 k="v\\"]"]')


def test_rfc_3164_is_read() -> None:
    """It knows neither year nor zone."""
    entry = parse("<14>Nov 22 11:00:00 web-1 shop[42]: order placed", now=NOW)

    assert (entry.at, entry.level, entry.app, entry.replica) == (NOW - 3600, INFO, "shop", "web-1")
    assert entry.message == "order placed"
