"""What a program says, made fit for people: one line at a time, without control characters, secrets, or too much of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "••••"
LONGEST = 400
"""Characters of a line that are shown."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]{0,20}[ -/]?[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)?|.)?")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_RULES = (
    (re.compile(r"(?i)\b(bearer|basic)(\s{1,3}|:\s{0,3})[\w.~+/=-]{8,}"), rf"\1\2{MASK}"),
    (re.compile(r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|xox[a-z]-[\w-]{8,}|(?:AKIA|ASIA)[0-9A-Z]{16})"), MASK),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"), MASK),
    (re.compile(r"(://[^\s:/@]{0,200}):[^\s/@]{1,200}@"), rf"\1:{MASK}@"),
    (
        re.compile(
            r"(?i)(?<![\w-])((?:[\w.-]{0,40}[_.-])?(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|credentials?)"
            r"""["']?\s{0,3}[=:]\s{0,3})("[^"]{1,200}"|'[^']{1,200}'|[^\s"',;]{1,200})"""
        ),
        rf"\1{MASK}",
    ),
)


class Cleaner:
    """Cleans lines.

    Args:
        secrets: values that are never shown, wherever they stand; those of under 6 characters are let be.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = sorted({value for value in secrets if len(value) >= 6}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, values))) if values else None

    def line(self, raw: bytes) -> str:
        """A line as it may be shown; empty if nothing is left of it."""
        text = _CONTROL.sub("", _ESCAPES.sub("", raw.decode("utf-8", "replace")))
        if self._secrets is not None:
            text = self._secrets.sub(MASK, text)
        for rule, mask in _RULES:
            text = rule.sub(mask, text)
        text = text.strip()
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
