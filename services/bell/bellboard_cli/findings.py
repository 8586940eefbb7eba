"""What a doctor finds, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and what to do about it."""

    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.wrong} -> {self.remedy}"


def show(findings: Sequence[Finding], where: str) -> int:
    """Print each on a line of its own; the exit code is 1 if there is any."""
    for finding in findings:
        print(finding)
    if not findings:
        print(f"all is well in {where}")
    return int(bool(findings))
