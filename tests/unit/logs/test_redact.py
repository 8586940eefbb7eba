"""Secrets are masked, and innocent lines left alone. The secrets are made here, at run time: none stands in a file."""

from __future__ import annotations

import base64
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard_logs.redact import MASK, redact

CHANCE = random.Random(11)


def some(alphabet: str, length: int) -> str:
    return "".join(CHANCE.choices(alphabet, k=length))


WORD = string.ascii_letters + string.digits


def jwt() -> str:
    parts = (base64.urlsafe_b64encode(some(WORD, 40).encode()).decode().rstrip("=") for _ in range(3))
    return ".".join("ey" + "J" + part for part in parts)


def card() -> str:
    digits = [4, *(CHANCE.randrange(10) for _ in range(14))]
    total = sum(sum(divmod(2 * digit, 10)) if at % 2 == 0 else digit for at, digit in enumerate(digits))
    return "".join(map(str, digits)) + str(-total % 10)


def secrets() -> list[tuple[str, str]]:
    """Lines with a secret in them, and the secret."""
    plain = some(WORD, 24)
    key = f"{some(WORD, 60)}\n{some(WORD, 60)}"
    made = [
        ("-----BEGIN RSA PRIVATE " + "KEY-----\n{}\n-----END RSA PRIVATE " + "KEY-----", key),
        ("cookie was {}", jwt()),
        ("Authorization: Bearer {}", plain),
        ("authorization: basic {}", base64.b64encode(plain.encode()).decode()),
        ("using {} for s3", "AK" + "IA" + some(string.ascii_uppercase + string.digits, 16)),
        ("clone with {} failed", "gh" + "p_" + some(WORD, 36)),
        ("slack said no to {}", "xo" + "xb-" + some(string.digits, 12) + "-" + some(WORD, 24)),
        ("postgres://shop:{}@db:5432/shop refused", plain),
        ("password={}", "hunter2" * 2),
        ('{{"api_key": "{}"}}', plain),
        ('{{\\"client_secret\\": \\"{}\\"}}', plain),
        ("DB_PASSWORD: {}", plain),
        ("token={} expired", plain),
        ('{{"password":"{}"}}', f"{plain} {plain}, and more"),
        ('{{"password":"{}"}}', f'{plain}\\"{plain}'),
        ('{{\\"password\\": \\"{}\\"}}', f"{plain} {plain}"),
        ('{{"api_key":["{}"]}}', plain),
        ('secret => "{}"', plain),
        ("DB_PASS={}", plain),
        ("ship --api-key {} prod", plain),
        ("postgres://shop:{}@db:5432/shop refused", f"{plain}@{plain}"),
        ("HTTPS://shop:{}@shop.example/", plain),
        ("Authorization: token {}", f"1{plain}"),
        ("Cookie: theme=dark; sid={}; lang=en", plain),
        ("charged with {}", "sk" + "_live_" + plain),
        ("cloned with {}", "gl" + "pat-" + plain),
        ("charged card {}", card()),
        ("mail to {} bounced", f"{some(string.ascii_lowercase, 8)}@{some(string.ascii_lowercase, 8)}.example"),
    ]
    return [(line.format(secret), secret) for line, secret in made]


@pytest.mark.parametrize(("line", "secret"), secrets(), ids=range(len(secrets())))
def test_a_secret_is_masked(line: str, secret: str) -> None:
    """And the line says that there was one."""
    said = redact(line)

    assert secret not in said
    assert secret[-6:] not in said
    assert MASK in said
    assert redact(said) == said


@pytest.mark.parametrize(
    "line",
    [
        "payment token mismatch for order 4711",
        "GET /cart/123456 200 in 12 ms",
        "order 1234567890123 placed at 1700000000000",
        "password must have twelve characters",
        "basic auth is off",
        "deployed v2.1 with digest 3f786850e387550fdab836ed7e6dc881de23001b",
        "http://shop.example:8080/cart?page=2",
        "keyboard=de monkey=1 tokens: 12",
        "password reset --dry-run for shop",
        "authorization: denied by policy",
        "cookie: none was sent",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
    ],
)
def test_an_innocent_line_is_left_alone(line: str) -> None:
    """Whoever sees masks everywhere asks for raw lines."""
    assert redact(line) == line


@given(st.text(max_size=300))
def test_masking_twice_is_masking_once(line: str) -> None:
    """So it does not matter who masked before."""
    assert redact(redact(line)) == redact(line)


PIECES = ["eyJ", "a", "a@", "-", "password", "://a:", "bearer ", "0 ", "xoxb-", "--BEGIN", '"', "key="]


@pytest.mark.parametrize("piece", [*PIECES, 'password="\\', "cookie:a=", "://a:b@", "authorization:", "--token "])
def test_no_line_takes_long_to_mask(piece: str) -> None:
    """A line of the longest kind that repeats what a rule begins with; minutes would mean that a rule has no bound."""
    said = redact(piece * (16_384 // len(piece)))

    assert len(said) <= 16_384
