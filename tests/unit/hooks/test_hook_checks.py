"""Who is let in at a webhook: nobody who does not know its secret, and nothing that is no JSON of a sensible size."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bellboard.hooks import GRAFANA_SIGNATURE, GRAFANA_TIMESTAMP, SIGNATURE, Hook, mac, signed
from bellboard_gateway.hooks.checks import MAX_BODY, WINDOW, Admitted, Knock, Refused, admit

NOW = 1_790_000_000.0
SECRET, OTHER = "s" * 24 + "-Right", "s" * 24 + "-Wrong"
BODY = b'{"status":"firing","alerts":[{"labels":{"app":"shop"}}]}'

PATH = Hook(bot="oncall", auth="path", secret=(SECRET,))
BEARER = Hook(bot="oncall", auth="bearer", secret=(SECRET,))
HMAC = Hook(bot="oncall", auth="hmac", secret=(SECRET,))
GRAFANA = Hook(bot="oncall", format="grafana", auth="hmac", secret=(SECRET,))


def knock(body: bytes = BODY, secret: str = "", **headers: str) -> Knock:
    """A request; header names have ``_`` for ``-``."""
    return Knock(secret, {name.replace("_", "-").lower(): [value] for name, value in headers.items()}, body)


def ours(body: bytes = BODY, at: int = int(NOW), secret: str = SECRET) -> Knock:
    return Knock("", {SIGNATURE.lower(): [signed(secret, at, body)]}, body)


def grafanas(body: bytes = BODY, at: int = int(NOW), secret: str = SECRET) -> Knock:
    signature = mac(secret, f"{at}:".encode() + body)
    return Knock("", {GRAFANA_SIGNATURE.lower(): [signature], GRAFANA_TIMESTAMP.lower(): [str(at)]}, body)


def refusal(hook: Hook | None, request: Knock, now: float = NOW) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        admit(hook, request, now)
    return caught.value.status, caught.value.reason


@pytest.mark.parametrize(
    ("hook", "request_", "once"),
    [
        (PATH, knock(secret=SECRET), False),
        (BEARER, knock(Authorization=f"Bearer {SECRET}"), False),
        (BEARER, knock(Authorization=f"bearer  {SECRET}"), False),
        (HMAC, ours(), True),
        (GRAFANA, grafanas(), True),
    ],
)
def test_who_knows_the_secret_is_let_in(hook: Hook, request_: Knock, once: bool) -> None:
    """And what is signed bears something that no other request may bear."""
    admitted = admit(hook, request_, NOW)
    assert admitted.body == BODY
    assert bool(admitted.once) is once


@pytest.mark.parametrize(
    ("hook", "request_"),
    [
        (PATH, knock(secret=OTHER)),
        (PATH, knock()),
        (PATH, knock(Authorization=f"Bearer {SECRET}")),
        (PATH, knock(secret="s" * 30_000)),
        (PATH, knock(secret="\udcff")),
        (BEARER, knock(Authorization=f"Bearer {OTHER}")),
        (BEARER, knock(Authorization=SECRET)),
        (BEARER, knock(Authorization=f"Basic {SECRET}")),
        (BEARER, knock(secret=SECRET)),
        (BEARER, knock(secret=SECRET, Authorization=f"Bearer {SECRET}")),
        (HMAC, knock()),
        (HMAC, knock(secret=SECRET)),
        (HMAC, ours(secret=OTHER)),
        (HMAC, grafanas()),
        (GRAFANA, ours()),
        (GRAFANA, Knock("", {GRAFANA_SIGNATURE.lower(): [mac(SECRET, BODY)]}, BODY)),
        (HMAC, Knock("", {SIGNATURE.lower(): [signed(SECRET, int(NOW), BODY)] * 2}, BODY)),
        (None, knock(secret=SECRET)),
        (None, ours()),
    ],
)
def test_a_stranger_is_told_one_thing(hook: Hook | None, request_: Knock) -> None:
    """Whether there is no such webhook, or this is not its secret, or not where its secret belongs."""
    assert refusal(hook, request_) == (404, "secret")


@given(kind=st.sampled_from([ours, grafanas]), chance=st.integers(0, 2**32).map(Random))
@settings(max_examples=100, deadline=None)
def test_nothing_that_was_changed_is_let_in(kind: Callable[..., Knock], chance: Random) -> None:
    """Ten thousand requests, each made from a good one by one change."""
    good, hook = kind(), HMAC if kind is ours else GRAFANA
    for _ in range(100):
        request = _changed(kind, chance)
        if (request.body, request.headers) != (good.body, good.headers):  # else chance left it as it was
            assert refusal(hook, request) == (404, "secret")


def _changed(kind: Callable[..., Knock], chance: Random) -> Knock:
    """A good request with one change."""
    good = kind()
    headers = {key: list(values) for key, values in good.headers.items()}
    name = chance.choice(list(good.headers))
    value = good.headers[name][0]
    bytes_ = chance.randbytes(chance.randrange(60))
    match chance.randrange(8):
        case 0:
            return Knock("", good.headers, bytes_)
        case 1:
            return Knock("", good.headers, BODY + (bytes_ or b" "))
        case 2:
            return Knock("", headers | {name: [bytes_.decode("latin-1")]}, BODY)
        case 3:
            return Knock("", headers | {name: [value[: chance.randrange(len(value))]]}, BODY)
        case 4:
            return Knock("", headers | {name: [_flipped(value, chance.randrange(len(value)))]}, BODY)
        case 5:
            return Knock("", headers | _later(good, chance.choice([1, -1]) * chance.randrange(1, 400)), BODY)
        case 6:
            return Knock("", {key: values * chance.choice([0, 2]) for key, values in headers.items()}, BODY)
        case _:
            return kind(secret=OTHER, at=int(NOW) + chance.randrange(-300, 300))


def _flipped(value: str, at: int) -> str:
    """The value with one character changed."""
    return value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]


def _later(good: Knock, seconds: int) -> dict[str, list[str]]:
    """The header that holds the time, which is another one."""
    if GRAFANA_TIMESTAMP.lower() in good.headers:
        return {GRAFANA_TIMESTAMP.lower(): [str(int(NOW) + seconds)]}
    return {SIGNATURE.lower(): [good.headers[SIGNATURE.lower()][0].replace(f"t={NOW:.0f}", f"t={NOW + seconds:.0f}")]}


@pytest.mark.parametrize("kind", [ours, grafanas])
@pytest.mark.parametrize(
    ("ago", "let_in"), [(0, True), (1, True), (240, True), (-240, True), (301, False), (86_400, False), (-301, False)]
)
def test_a_signature_is_good_for_five_minutes(kind: Callable[..., Knock], ago: int, let_in: bool) -> None:
    """Who knows the secret is told that it is about the time."""
    hook = HMAC if kind is ours else GRAFANA
    request = kind(at=int(NOW) - ago)
    if let_in:
        assert admit(hook, request, NOW).once
    else:
        assert refusal(hook, request) == (401, "time")
        assert WINDOW == 300


def test_a_secret_can_take_the_place_of_another() -> None:
    """For a while both are good."""
    both = Hook(bot="oncall", auth="hmac", secret=(OTHER, SECRET))
    assert admit(both, ours(), NOW).once
    assert admit(both, ours(secret=OTHER), NOW).once


def test_two_requests_that_differ_bear_different_things() -> None:
    """So the one does not keep the other out."""
    different = {admit(HMAC, request, NOW).once for request in (ours(), ours(b"[]"), ours(at=int(NOW) + 1))}
    assert len(different) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"status=firing",
        b'{"a":1',
        b'{"a":NaN}',
        b"Infinity",
        b"\xff\xfe{}",
        b'"text"',
        b"12",
        b"null",
        b'[{"a":1e400}]',
        b"[" * 200_000,
        b"[" * 5_000 + b"]" * 5_000,
        b'{"a":' * 100_000,
        b'{"a":"\\ud800"}',
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Whatever it does to a parser."""
    assert refusal(PATH, knock(body, SECRET)) == (400, "json")


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"a":1,"a":2}', b'{"a":123456789012345678901234567890}'])
def test_what_is_odd_but_json_is_taken(body: bytes) -> None:
    """What it means is the bot's to say."""
    assert admit(PATH, knock(body, SECRET), NOW) == Admitted(body)


def test_a_packed_body_is_unpacked() -> None:
    """What is signed is what is sent."""
    packed = gzip.compress(BODY)
    assert admit(PATH, knock(packed, SECRET, Content_Encoding="gzip"), NOW).body == BODY
    request = Knock("", {SIGNATURE.lower(): [signed(SECRET, int(NOW), packed)], "content-encoding": ["GZIP"]}, packed)
    assert admit(HMAC, request, NOW).body == BODY


@pytest.mark.parametrize(
    ("body", "encoding", "answer"),
    [
        (gzip.compress(b" " * (MAX_BODY + 1)), "gzip", (413, "size")),
        (gzip.compress(b'{"a":"' + b"a" * 100_000_000 + b'"}', compresslevel=1), "gzip", (413, "size")),
        (gzip.compress(gzip.compress(b"[]")), "gzip", (400, "json")),
        (gzip.compress(BODY)[:-4], "gzip", (400, "encoding")),
        (gzip.compress(BODY) + b"more", "gzip", (400, "encoding")),
        (BODY, "gzip", (400, "encoding")),
        (zlib.compress(BODY), "deflate", (415, "encoding")),
        (BODY, "br", (415, "encoding")),
        (BODY, "gzip, gzip", (415, "encoding")),
        (b"[" + b" " * MAX_BODY + b"]", "identity", (413, "size")),
    ],
    ids=["blanks", "bomb", "twice", "cut-off", "and-more", "not-packed", "deflate", "br", "two-encodings", "plain"],
)
def test_what_unpacks_to_too_much_or_not_at_all_is_refused(body: bytes, encoding: str, answer: tuple[int, str]) -> None:
    """A bomb is not unpacked beyond the limit."""
    assert refusal(PATH, knock(body, SECRET, Content_Encoding=encoding)) == answer


def test_a_stranger_has_nothing_unpacked_or_parsed() -> None:
    """The secret is looked at first."""
    assert refusal(PATH, knock(b"\x1f\x8b", OTHER, Content_Encoding="gzip")) == (404, "secret")
    assert refusal(PATH, knock(b"no json", OTHER)) == (404, "secret")
