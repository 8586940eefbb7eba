"""Times as they were typed, and as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from bellboard import UserError
from bellboard.api.chat.v1.chat_pb2 import TimeRange
from bellboard.marks import Marks

FARTHEST = 400 * 86400.0
"""How far ahead, in seconds, anybody may look or promise."""

NOW = 30.0
"""Seconds between a line and its command within which both are now."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells moments in a zone, as short as they can be understood at ``now``."""

    zone: tzinfo
    now: float

    def tell(self, at: float) -> str:
        """``09:00``, ``Mon 09:00``, ``Mon 7 Dec 09:00`` or ``Mon 7 Dec 2027 09:00``."""
        when, today = self._local(at), self._local(self.now)
        if when.date() == today.date():
            return f"{when:%H:%M}"
        if 0 < (when.date() - today.date()).days < 7:
            return f"{when:%a %H:%M}"
        year = f" {when.year}" if abs(at - self.now) > 300 * 86400 else ""
        return f"{when:%a} {when.day} {when:%b}{year} {when:%H:%M}"

    def zoned(self, at: float) -> str:
        """The same with its zone: ``Mon 09:00 CET``."""
        return f"{self.tell(at)} {self._local(at).tzname()}"

    def span(self, start: float, end: float) -> str:
        """From when to when: ``Fri 18:00-22:00 CET``."""
        same = self._local(start).date() == self._local(end).date()
        last = f"{self._local(end):%H:%M}" if same else f" {self.tell(end)}"
        return f"{self.tell(start)}{'-' if same else ' to'}{last} {self._local(start).tzname()}"

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone)


def moment(at: float) -> datetime:
    """For a cell of a table."""
    return datetime.fromtimestamp(at, UTC)


async def stretch(given: TimeRange | None, now: float, marks: Marks) -> tuple[float, float]:
    """From when to when lies ahead what was typed: ``2h`` is from now on. Without anything, the moment now.

    Raises:
        UserError: it has no end or no beginning, lies too far away, or there is no such id.
        BusError: the marks could not be read.
    """
    which = given.WhichOneof("span") if given is not None else None
    if given is None or which is None:
        return now, now
    if which == "last":
        start, end = now, now + given.last.ToTimedelta().total_seconds()
    elif which == "between":
        if not given.between.HasField("end"):
            raise UserError("until when?", hint="such as fri 18:00-22:00")
        begins = given.between.start.ToDatetime(UTC).timestamp() if given.between.HasField("start") else now
        start, end = begins, given.between.end.ToDatetime(UTC).timestamp()
    else:
        mark = await marks.find(given.around if which == "around" else given.since)
        if mark is None:
            raise UserError("there is no such id", hint="an id is a letter and a number, such as D142")
        start = end = mark.at
    if end < start or end > now + FARTHEST:
        raise UserError("that ends before it begins, or is more than a year away", hint="such as fri 18:00-22:00")
    return start, end


def alone(given: TimeRange | None, start: float, now: float) -> bool:
    """Whether one moment was typed, such as ``fri 03:00``: what lies ahead comes as from now until then."""
    which = given.WhichOneof("span") if given is not None else None
    return which != "between" or abs(start - now) < NOW
