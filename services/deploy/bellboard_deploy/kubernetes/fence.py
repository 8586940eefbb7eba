"""The fence that stands on what was changed: by it the object itself tells a repeat, whatever the bus has forgotten. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

from ..model import Order
from ..providers import Taken

FENCE = "bellboard/fence"
"""The annotation that it is."""

REMEMBERED = 32
"""How many commands are remembered; what is older than the oldest of a full memory counts as one of them."""

Standing = Literal["next", "done"]


@dataclass(frozen=True, slots=True)
class Fence:
    """Which command changed an object last, and up to which of its acts. Each act writes an object once.

    Attributes:
        command, act, at: of the last order that was carried out.
        over: the command is at its end; only its last act may be said again.
        past: the commands before it, the oldest first, each with when its line came in.
    """

    command: str = ""
    act: int = 0
    at: float = 0.0
    over: bool = False
    past: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, annotations: Mapping[str, str]) -> Fence:
        """The one of an object. One that can't be read, since somebody wrote it by hand, is none."""
        try:
            said = orjson.loads(annotations[FENCE])
            past = tuple((str(command), float(at)) for command, at in said["past"])
            return cls(str(said["command"]), int(said["act"]), float(said["at"]), bool(said["over"]), past)
        except (KeyError, TypeError, ValueError):
            return cls()

    def text(self) -> str:
        """As it stands in the annotation."""
        past = [[command, at] for command, at in self.past]
        said = {"command": self.command, "act": self.act, "at": self.at, "over": self.over, "past": past}
        return orjson.dumps(said).decode()

    def admits(self, order: Order, *, last: bool) -> Standing:
        """Whether an order is the next to be carried out, or was carried out already.

        Args:
            last: it is the last act of its command.

        Raises:
            Taken: another command, or a later act of this one, has come after it.
        """
        if order.command != self.command:
            return self._another(order)
        if self.over and last:
            return "done"
        if self.over:
            raise Taken("this command was carried out here already", hint="ask for it anew, in a new line")
        if order.act < self.act:
            raise Taken("a later act of this command was carried out already")
        return "done" if order.act == self.act else "next"

    def _another(self, order: Order) -> Standing:
        known = {command for command, _ in self.past}
        forgotten = len(self.past) >= REMEMBERED and order.at <= self.past[0][1]
        if order.command in known or forgotten:
            raise Taken("another command came after this one here", hint="look at deploy status, and ask for it anew")
        return "next"

    def held(self, order: Order) -> None:
        """Make sure that nobody came after an order that was carried out in part.

        Raises:
            Taken: somebody did.
        """
        if order.command != self.command or order.act < self.act:
            raise Taken("another command came after this one here", hint="look at deploy status, and ask for it anew")

    def after(self, order: Order, *, last: bool) -> Fence:
        """The fence once an order is carried out."""
        past = self.past
        if self.command not in ("", order.command):
            past = (*past, (self.command, self.at))[-REMEMBERED:]
        return Fence(order.command, order.act, order.at, last, past)
