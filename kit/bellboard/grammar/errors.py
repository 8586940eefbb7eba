"""What is wrong with a line, and where."""

from __future__ import annotations

from bellboard.errors import UserError


class NotUnderstood(UserError):
    """A line that is no command as it stands. Nothing was published.

    ``line`` is the line as it was read, safe to show, secrets masked; ``caret`` (from 0) and ``length`` mark in it what is
    wrong; ``usage`` is the command's form, where a command was recognised; ``suggestion`` the nearest right form, and that
    form where none is nearer; ``corrected`` the whole line put right, where one slip is all that was found, and empty else.
    """

    code = "not_understood"

    def __init__(
        self,
        reason: str,
        *,
        line: str,
        caret: int = 0,
        length: int = 1,
        suggestion: str = "",
        usage: str = "",
        corrected: str = "",
    ) -> None:
        super().__init__(reason, hint=suggestion or usage)
        self.line, self.caret, self.length, self.usage, self.corrected = line, caret, length, usage, corrected

    @property
    def reason(self) -> str:
        return self.text

    @property
    def suggestion(self) -> str:
        return self.hint


class BadValue(Exception):
    """A value that is not what its argument takes."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.reason, self.suggestion = reason, suggestion
