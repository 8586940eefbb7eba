"""What people see of lines: the telling ones on the card, all of them in a file, and a table for pipes.

Nothing gets here unmasked but what `logs raw` was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bellboard import Block, code, table, text
from bellboard.replies import BAD, PLAIN, WARNING

from .entries import ERROR, LEVELS, Entry
from .entries import WARNING as WARNED
from .providers import Found, Pattern
from .query import Query
from .redact import redact

ON_CARD = 12
IN_TABLE = 1_000
TABLE_BYTES = 96 * 1024
"""Of what the table's cells hold: a record of the ledger has to take it."""

FILE_BYTES = 7 * 2**20
WIDEST = 400
"""Characters of a line on a card."""


def discreet(entries: Iterable[Entry]) -> list[Entry]:
    """The lines with their secrets masked. It takes some 20 µs a line."""
    return [
        entry._replace(
            message=redact(entry.message),
            more=redact(entry.more),
            pattern=redact(entry.pattern),
            service=redact(entry.service),
            version=redact(entry.version),
            replica=redact(entry.replica),
        )
        for entry in entries
    ]


def as_line(entry: Entry) -> str:
    """A line as text."""
    said = (
        _clock(entry.at),
        LEVELS[entry.level].upper(),
        entry.service,
        entry.version,
        entry.replica,
        entry.message,
        entry.more,
    )
    return " ".join(part.replace("\n", "\n  ") for part in said if part)


def as_file(entries: Sequence[Entry]) -> bytes:
    """Lines as a text file, the oldest left out where they are too many for one."""
    kept: list[bytes] = []
    size = 0
    for entry in reversed(entries):
        line = f"{datetime.fromtimestamp(entry.at, UTC):%Y-%m-%d} {as_line(entry)}\n".encode("utf-8", "replace")
        size += len(line)
        if size > FILE_BYTES:
            break
        kept.append(line)
    return b"".join(reversed(kept))


def as_table(entries: Sequence[Entry]) -> Block:
    """The newest lines as a typed table, as many as a record holds."""
    rows = []
    left = TABLE_BYTES
    for entry in reversed(entries[-IN_TABLE:]):
        at = datetime.fromtimestamp(entry.at, UTC)
        message = entry.message[:WIDEST]
        row = (at, LEVELS[entry.level], entry.app, entry.service, entry.version, entry.pattern[:WIDEST], message)
        left -= 40 + sum(len(cell.encode()) for cell in row[1:] if isinstance(cell, str))
        if left < 0:
            break
        rows.append(row)
    return table(["time", "level", "app", "service", "version", "pattern", "message"], rows[::-1])


def telling(entries: Sequence[Entry]) -> list[Entry]:
    """The lines to look at first, in order of time: one of each bad pattern, the worst first, then the first and the last."""
    chosen: dict[int, Entry] = {}
    seen: set[str] = set()
    for index in sorted(range(len(entries)), key=lambda i: (-entries[i].level, i)):
        entry = entries[index]
        key = entry.pattern or entry.message
        if entry.level >= WARNED and key not in seen and len(chosen) < ON_CARD - 2:
            seen.add(key)
            chosen[index] = entry
    for index in (0, *range(len(entries) - 1, -1, -1)):
        if len(chosen) >= min(ON_CARD, len(entries)):
            break
        chosen.setdefault(index, entries[index])
    return [chosen[index] for index in sorted(chosen)]


def lines_block(lines: Iterable[str]) -> Block:
    """Lines on a card, none wider than `WIDEST`."""
    return code("\n".join(line if len(line) <= WIDEST else f"{line[:WIDEST]}…" for line in lines), language="log")


def headline(query: Query, found: Found, when: str, mark: str) -> Block:
    """How many lines there are, and of what: how the question was understood."""
    many = plural(found.total, "line") + (" or more" if found.more else "")
    counts = Counter(entry.level for entry in found.entries if entry.level)
    levels = ", ".join(f"{count:,} {LEVELS[level]}" for level, count in sorted(counts.items(), reverse=True))
    rest = f" ({levels})" if levels else ""
    worst = max(counts, default=0)
    tone = BAD if worst >= ERROR else WARNING if worst == WARNED else PLAIN
    return text(f"{many} of {subject(query)}, {when}{rest}{f' · {mark}' if mark else ''}", tone=tone)


def subject(query: Query) -> str:
    """Whose lines, and which."""
    said = [query.app]
    if query.env:
        said.append(f"in {query.env}")
    if query.level:
        said.append(f"at {LEVELS[query.level]} or worse")
    holding = [f"“{word}”" for word in query.words] + [f"/{regex.text}/" for regex in query.regexes]
    if holding:
        said.append(f"with {' and '.join(holding)}")
    return redact(" ".join(said))


def counts_table(by: str, counts: Sequence[tuple[str, int]]) -> Block:
    """Counts, most first."""
    return table([by, "lines"], [(redact(what) or "(none)", count) for what, count in counts[:100]])


def patterns_table(patterns: Sequence[Pattern], most: int) -> Block:
    """Patterns, most frequent first."""
    rows = [
        (p.count, LEVELS[p.level], datetime.fromtimestamp(p.first, UTC), redact(p.template)[:WIDEST]) for p in patterns[:most]
    ]
    return table(["lines", "level", "first seen", "pattern"], rows)


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f}"[:-3]


def plural(count: int, what: str) -> str:
    """Such as "1 line", "2,000 lines" and "no lines"."""
    if not count:
        return f"no {what}s"
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
