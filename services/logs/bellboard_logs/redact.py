"""Masks secrets. Nothing that a log line held leaves the bot without it, but by `logs raw`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

MASK = "••••"

_Replace = Callable[[re.Match[str]], str]


class Rule(NamedTuple):
    """A kind of secret. ``hint``: one of these must be in the line, in small letters, for the rule to be tried."""

    name: str
    hints: tuple[str, ...]
    regex: re.Pattern[str]
    replace: str | _Replace


def _digits_checked(match: re.Match[str]) -> str:
    """A number of a card, masked if its check digit is right (Luhn)."""
    digits = [int(char) for char in match[0] if char.isdigit()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return MASK if 13 <= len(digits) <= 19 and (doubled + sum(digits[::-2])) % 10 == 0 else match[0]


_NAMES = (
    r"(?:[\w.-]{0,40}(?:password|passwd|passphrase|secret|credential|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|auth[_-]?token|access[_-]?token|refresh[_-]?token|session[_-]?(?:id|token|key)|client[_-]?secret)[\w-]{0,20}"
    r"|[\w.-]{1,40}[_-]pass|pwd|token)"
)
_VALUE = (
    r"""(\\"(?:[^"\\]|\\[^"]){1,4000}(?:\\")?|"(?:[^"\\]|\\.){1,4000}"?|'(?:[^'\\]|\\.){1,4000}'?"""
    r"""|\[[^\]]{1,4000}\]?|[^\s"',;&}\])]{1,500})"""
)

_BETWEEN = r"""\\?["']?\s{0,3}[=:]\s{0,3}\\?["']?"""
_PART = r"""[^\s"',;]"""


def _quoted(match: re.Match[str]) -> str:
    """A value, masked within the quotes that it has."""
    value = match[2]
    quote = '\\"' if value.startswith('\\"') else value[0] if value[0] in "\"'" else ""
    return f"{match[1]}{quote}{MASK}{quote}"


RULES = (
    Rule(
        "private key",
        ("private key-",),
        re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL),
        MASK,
    ),
    Rule("jwt", ("eyj",), re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"), MASK),
    Rule("bearer or basic", ("bearer", "basic"), re.compile(r"(?i)\b(bearer|basic)(\s+|:\s*)[\w.~+/=-]{8,}"), rf"\1\2{MASK}"),
    Rule(
        "authorization",
        ("authorization",),
        re.compile(rf"(?i)\b(authorization{_BETWEEN}(?:[\w-]{{2,20}}\s{{1,3}})?)(?={_PART}{{0,500}}\d){_PART}{{8,500}}"),
        rf"\1{MASK}",
    ),
    Rule(
        "cookie",
        ("cookie",),
        re.compile(
            rf"(?i)\b(cookie{_BETWEEN})[\w.-]{{1,64}}=[^\s\"',]{{1,4000}}(?: [\w.-]{{1,64}}=[^\s\"',]{{1,4000}}){{0,50}}"
        ),
        rf"\1{MASK}",
    ),
    Rule("aws", ("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), MASK),
    Rule("github", ("gh", "github_pat"), re.compile(r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,})"), MASK),
    Rule(
        "slack",
        ("xox", "xapp-", "hooks.slack"),
        re.compile(r"\b(?:xox[a-z]|xapp)-[\w-]{8,}|hooks\.slack\.com/services/[\w/]+"),
        MASK,
    ),
    Rule(
        "others that are known by how they begin",
        ("sk_", "rk_", "glpat-", "aiza", "npm_"),
        re.compile(r"(?<![\w-])(?:[sr]k_(?:live|test)_\w{10,}|glpat-[\w-]{20,}|AIza[\w-]{35}|npm_\w{36})"),
        MASK,
    ),
    Rule(
        "url password",
        ("://",),
        re.compile(r"""(\b[A-Za-z][\w+.-]{1,20}://[^\s:/@]{0,200}):[^\s/@]{1,200}(?:@[^\s/@"',]{1,200}){0,9}@"""),
        rf"\1:{MASK}@",
    ),
    Rule(
        "key and value",
        ("pass", "secret", "credential", "key", "token", "pwd", "session"),
        re.compile(rf"""(?i)(?<![\w.-])({_NAMES}\\?["']?\s{{0,3}}(?:=>|:=|[=:])\s{{0,3}}){_VALUE}"""),
        _quoted,
    ),
    Rule(
        "flag and value",
        ("--",),
        re.compile(rf"(?i)(?<!\S)(--{_NAMES}\s{{1,3}}){_VALUE}"),
        _quoted,
    ),
    Rule("card", (), re.compile(r"(?<![\w.-])[0-9](?:[ -]?[0-9]){12,18}(?![\w.-]|\.[0-9])"), _digits_checked),
    Rule("email", ("@",), re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b"), MASK),
)
"""In order: what masks most comes first, so that nothing is left of it for the others."""


def redact(text: str) -> str:
    """The text with every secret in it masked."""
    low = text.lower()
    for rule in RULES:
        if not rule.hints or any(hint in low for hint in rule.hints):
            text = rule.regex.sub(rule.replace, text)
    return text
