"""One place where a line as typed becomes a line as read: small things that keyboards and chat systems do are undone."""

from __future__ import annotations

import unicodedata

from .characters import clean, offence
from .errors import NotUnderstood

MAX_BYTES = 4096
MAX_WORDS = 64

_SPACES = str.maketrans(
    dict.fromkeys("\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " ")
)
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2212", "-"))
_LONG_DASHES = "\u2013\u2014\u2015"
_DOUBLE = "\u201c\u201d\u201e\u201f\u00ab\u00bb"
_SINGLE = "\u2018\u2019\u201a\u201b"
TYPOGRAPHY = frozenset(_LONG_DASHES + _DOUBLE + _SINGLE)
_STRAIGHT = {**dict.fromkeys(_DOUBLE, '"'), **dict.fromkeys(_SINGLE, "'")}


def normalise(raw: str) -> str:
    """The line as it is read. Reading it once more changes nothing.

    Curly quotes and long dashes become straight ones (not within quotes), odd spaces plain ones, ``<http://x|x>`` and
    ``<@id|name>`` what they stand for. Accents are composed (NFC).

    Raises:
        NotUnderstood: it is longer than 4 KiB or 64 words, or holds control, invisible or direction-changing characters, or
            a word of mixed scripts. Its size is looked at before anything else.
    """
    _check_size(raw)
    line = raw.translate(_SPACES).strip(" \r\n")
    if line.isascii() and line.isprintable():
        return _unmark(line) if "<" in line else line
    found = offence(line)
    if found is not None:
        raise NotUnderstood(found.reason, line=clean(line), caret=found.start, length=found.length, suggestion=found.remedy)
    line = unicodedata.normalize("NFC", line).translate(_HYPHENS)
    if not TYPOGRAPHY.isdisjoint(line):
        line = _straighten(line)
    return _unmark(line) if "<" in line else line


def _check_size(raw: str) -> None:
    if len(raw) > MAX_BYTES or len(raw.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        reason = f"the line is longer than {MAX_BYTES // 1024} KiB"
    elif len(words := raw.split(None, MAX_WORDS)) > MAX_WORDS:
        reason = f"the line has more than {MAX_WORDS} words"
        raw = " ".join(words[:8])
    else:
        return
    raise NotUnderstood(reason, line=clean(raw[:80]) + "…", caret=0, length=1, suggestion="say it in fewer words, or upload it")


def _straighten(line: str) -> str:
    """Curly quotes and long dashes as they would stand on a typewriter."""
    out: list[str] = []
    quote, curly, before = "", False, " "
    for index, char in enumerate(line):
        after = line[index + 1 : index + 2]
        straight = _STRAIGHT.get(char, char)
        if quote:
            ends = straight == quote and (char != straight) == curly and after in ("", " ", "?")
            if curly and char == '"' and before != "\\":
                out.append("\\")
            out.append(straight if ends else char)
            if ends or (not curly and char == quote and before != "\\"):
                quote = ""
        elif straight in "\"'" and before in " =":
            quote, curly = straight, char != straight
            out.append(straight)
        elif char in _LONG_DASHES and before == " ":
            out.append("-" if after.isdigit() else "--")
        else:
            out.append(straight)
        before = char
    return "".join(out)


_EDGES = frozenset(" \"'=(,")
_ENDS = frozenset(" \"'?!.,;:)")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


def _unmark(line: str) -> str:
    """Mentions and auto-linked hosts as they were typed."""
    out: list[str] = []
    done, at = 0, line.find("<")
    while at >= 0:
        end = line.find(">", at)
        if end < 0:
            break
        if (at == 0 or line[at - 1] in _EDGES) and line[at + 1].isalnum() | (line[at + 1] in "@#"):
            plain = _meaning(line[at + 1 : end]) if end + 1 == len(line) or line[end + 1] in _ENDS else ""
            if plain:
                out += (line[done:at], plain)
                done = end + 1
            at = end
        at = line.find("<", at + 1)
    out.append(line[done:])
    return "".join(out)


def _meaning(mark: str) -> str:
    """What stands between ``<`` and ``>``; empty where it is no markup."""
    target, _, label = mark.partition("|")
    if target[0] in "@#":
        return target if len(target) > 1 and _NAME.issuperset(target[1:]) else ""
    if not target.startswith(("http://", "https://", "mailto:")) or not set("<\"' ").isdisjoint(mark):
        return ""
    typed = target.removeprefix("mailto:").removeprefix("http://").removeprefix("https://").rstrip("/")
    return label if label and label.rstrip("/") == typed else target
