"""The words of a rota file: dates, turns, weekdays and zones as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from ..given import Given, nearest
from .model import Window

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TURN = re.compile(r"(?:([1-9][0-9]{0,2})\s*)?(d|days?|daily|w|weeks?|weekly)")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_YEARS = range(2000, 2200)


def read_zone(given: Given) -> ZoneInfo:
    """A time zone by its IANA name. Raises SettingsError."""
    name = given.text()
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = nearest(name, available_timezones(), otherwise="such as Europe/Berlin")
        raise given.wrong(f"there is no time zone “{name[:60]}”", hint=hint) from None


def read_wall(given: Given) -> datetime:
    """Wall time such as 2026-11-02T09:00; midnight where only the day is said. Raises SettingsError."""
    word = given.text()
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        raise given.wrong(f"“{word[:40]}” is no date", hint="such as 2026-11-02T09:00") from None
    if at.tzinfo is not None:
        raise given.wrong(f"“{word[:40]}” names a zone of its own", hint="leave it out: zone says it")
    if at.year not in _YEARS:
        raise given.wrong(f"“{word[:40]}” is too far away", hint="such as 2026-11-02T09:00")
    return at.replace(microsecond=0)


def read_turn(given: Given) -> int:
    """The days of a turn: "1 week", "2 weeks", "1 day", "3d". Raises SettingsError."""
    word = given.text().lower()
    found = _TURN.fullmatch(word)
    if found is None:
        raise given.wrong(f"“{word[:40]}” is no length of a turn", hint="such as 1 week, 2 weeks or 1 day")
    return int(found[1] or 1) * (7 if found[2].startswith("w") else 1)


def read_days(given: Given) -> frozenset[int]:
    """Weekdays: "mon-fri", "sat", [mon, wed]; "fri-mon" goes over Sunday. Raises SettingsError."""
    found: set[int] = set()
    for item in given.items():
        for word in item.text().lower().replace(" ", "").split(","):
            first, _, last = word.partition("-")
            begin, end = _weekday(first, item), _weekday(last or first, item)
            found |= {(begin + step) % 7 for step in range((end - begin) % 7 + 1)}
    return frozenset(found)


def _weekday(word: str, given: Given) -> int:
    if word[:3] not in WEEKDAYS:
        raise given.wrong(f"“{word[:20]}” is no weekday", hint="such as mon-fri, or sat")
    return WEEKDAYS.index(word[:3])


def read_window(given: Given) -> Window:
    """``{days: mon-fri, from: "09:00", to: "17:00"}``; ``to`` may be the next morning, or name a day: "mon 08:00".

    Raises:
        SettingsError: it is none.
    """
    said = given.mapping("days", "from", "to")
    days = read_days(said["days"]) if "days" in said else frozenset(range(7))
    begin, end = time(), time()
    if "from" in said:
        begin = _clock(said["from"].text(), said["from"])[0]
    if "to" not in said:
        return Window(days, begin, end, 1)
    day, _, clock = said["to"].text().rpartition(" ")
    end, over = _clock(clock, said["to"])
    if not day:
        return Window(days, begin, end, 1 if over or end <= begin else 0)
    if len(days) != 1:
        raise said["to"].wrong("what ends on another weekday begins on one day", hint='such as days: fri, to: "mon 08:00"')
    after = (_weekday(day.lower(), said["to"]) - next(iter(days))) % 7
    if after == 0 and end <= begin:
        after = 7
    return Window(days, begin, end, after + over)


def _clock(word: str, given: Given) -> tuple[time, int]:
    """A clock time, and 1 if it is the end of the day, 24:00."""
    found = _CLOCK.fullmatch(word)
    if word == "24:00":
        return time(), 1
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise given.wrong(f"“{word[:20]}” is no time of the day", hint='in quotes, such as "09:00"')
    return time(int(found[1]), int(found[2])), 0


def told(at: float, zone: ZoneInfo) -> str:
    """A moment for people: ``Sun 2026-03-29 02:00 CET``."""
    when = datetime.fromtimestamp(at, UTC).astimezone(zone)
    return f"{when:%a %Y-%m-%d %H:%M} {when.tzname()}"


def length(seconds: float) -> str:
    """A length of time for people: ``2 d 3 h``, the two largest units."""
    left, parts = round(seconds), []
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or str(timedelta(seconds=round(seconds)))
