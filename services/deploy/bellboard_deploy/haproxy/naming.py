"""Names of servers. Every name that goes into HAProxy's socket is made of letters, digits and ``_ . -``; the rest is in hex.

A server that Bellboard adds says what it is: ``shop-d142-1::v2::3b1f…`` (replica, version, digest), and so HAProxy itself
remembers it. ``::`` can't stand within a part: a colon there is followed by two hex digits.
"""

from __future__ import annotations

import re

from bellboard import ProviderError, UserError

LONGEST = 400
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,400}")


def encode(text: str) -> str:
    """The text in HAProxy's own characters; `decode` gives it back."""
    return "".join(chr(byte) if byte in _SAFE else f":{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def decode(name: str) -> str:
    """What `encode` was given. A name that it did not make stays as it is."""
    raw = re.sub(r":([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), name)
    try:
        text = raw.encode("latin-1").decode("utf-8", "surrogatepass")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return name
    return text if encode(text) == name else name


def server_name(replica: str, version: str, digest: str) -> str:
    """The name of the server that is a replica of a version.

    Raises:
        UserError: it would be too long.
    """
    name = "::".join(encode(part) for part in (replica, version, digest))
    if len(name) > LONGEST:
        raise UserError("that name is too long for HAProxy")
    return name


def read_name(name: str) -> tuple[str, str, str]:
    """Replica, version and digest; the latter two are empty for a server that stands in HAProxy's own configuration."""
    parts = name.split("::")
    return (decode(parts[0]), decode(parts[1]), decode(parts[2])) if len(parts) == 3 else (name, "", "")


def word(name: str) -> str:
    """The name, as a single word of a command.

    Raises:
        ProviderError: it could be read as more than that. Nothing is sent.
    """
    if not _WORD.fullmatch(name):
        raise ProviderError("HAProxy has a name that can't be said to it")
    return name
