"""Whether a request to a webhook is let in. Pure; no I/O.

What a stranger learns is one answer, `NOT_HERE`, whether there is no such webhook or its secret is another. Only who knows the
secret is told of anything else.
"""

from __future__ import annotations

import hmac
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import orjson

from bellboard.hooks import GRAFANA, GRAFANA_SIGNATURE, GRAFANA_TIMESTAMP, SIGNATURE, Hook, mac

MAX_BODY = 1024 * 1024
"""Bytes of the largest body, as sent and unpacked."""

WINDOW = 300.0
"""Seconds that a signature may be old, or ahead of our clock."""

_OURS = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
_TIME, _HEX = re.compile(r"[0-9]{1,12}"), re.compile(r"[0-9a-f]{64}")
_NOBODY = Hook(bot="nobody", auth="hmac", secret=("nobody-has-this-secret",))


@dataclass(frozen=True, slots=True)
class Knock:
    """A request, as it came.

    Attributes:
        secret: what stands behind the webhook's name in its address.
        headers: every value of each header, its name in small letters.
    """

    secret: str
    headers: Mapping[str, Sequence[str]]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """The only value of a header; empty without one, and where there are several."""
        values = self.headers.get(name.lower(), ())
        return values[0] if len(values) == 1 else ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What was let in: its body, unpacked; and what no other request may bear again, empty where it was not signed."""

    body: bytes
    once: str = ""


class Refused(Exception):
    """It is not let in. ``reason`` is a short word for metrics, ``text`` is what its sender is told."""

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(reason)
        self.status, self.reason, self.text = status, reason, text


NOT_HERE = Refused(404, "secret", "there is no such webhook, or this is not its secret")
TOO_LARGE = Refused(413, "size", f"a body has at most {MAX_BODY // 1024} KiB, unpacked too")
REPLAYED = Refused(409, "replay", "this very request was taken already")
LATE = Refused(401, "time", f"it was signed more than {WINDOW:.0f} s from now; sign it anew, and look at both clocks")


def proven(hook: Hook | None, knock: Knock) -> bool:
    """Whether a secret is seen to be right before the body has come; False where only the body can tell.

    Raises:
        Refused: a stranger asks. What looks signed is waited for, whether or not there is such a webhook.
    """
    if hook is not None and hook.auth != "hmac" and _known(hook, knock, 0.0) is not None:
        return True
    if any(_signature(form, knock)[0] for form in ("", GRAFANA)):
        return False
    raise NOT_HERE


def admit(hook: Hook | None, knock: Knock, now: float) -> Admitted:
    """Let a request in.

    Args:
        hook: None where there is none of that name: that takes as long as a wrong secret.
        now: in seconds since 1970.

    Raises:
        Refused: with the answer.
    """
    once = _known(hook or _NOBODY, knock, now)
    if hook is None or once is None:
        raise NOT_HERE
    if len(knock.body) > MAX_BODY:
        raise TOO_LARGE
    body = _unpacked(knock.body, knock.header("Content-Encoding").strip().lower())
    _check(body)
    return Admitted(body, once)


def _known(hook: Hook, knock: Knock, now: float) -> str | None:
    """What may be said once by whoever knows the secret, empty if anything may be said again; None: a stranger."""
    if hook.auth == "hmac":
        return _signed(hook, knock, now)
    offered = knock.secret
    if hook.auth == "bearer":
        scheme, _, token = knock.header("Authorization").partition(" ")
        offered = token.strip() if scheme.lower() == "bearer" and not knock.secret else ""
    return "" if _one_of((_hash(one) for one in hook.secret), _hash(offered)) else None


def _signed(hook: Hook, knock: Knock, now: float) -> str | None:
    at, offered, joint = _signature(hook.format, knock)
    right = _one_of((mac(secret, at.encode() + joint + knock.body) for secret in hook.secret), offered)
    if not right or not at or knock.secret:
        return None
    if abs(now - int(at)) > WINDOW:
        raise LATE
    return _hash(f"{at}.{offered}")


def _signature(form: str, knock: Knock) -> tuple[str, str, bytes]:
    """The moment of a signature, the signature, and what joins moment and body; both empty where it has none."""
    if form == GRAFANA:
        at, offered = knock.header(GRAFANA_TIMESTAMP), knock.header(GRAFANA_SIGNATURE)
        return (at, offered, b":") if _TIME.fullmatch(at) and _HEX.fullmatch(offered) else ("", "", b":")
    found = _OURS.fullmatch(knock.header(SIGNATURE))
    return (found[1], found[2], b".") if found else ("", "", b".")


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _one_of(known: Iterable[str], offered: str) -> bool:
    """Whether a text is one of several, in a time that does not tell which."""
    return sum(hmac.compare_digest(one, offered) for one in known) > 0


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise Refused(415, "encoding", "a body is sent as it is, or with gzip")
    unpack = zlib.decompressobj(wbits=31)
    try:
        data = unpack.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise Refused(400, "encoding", "that is not gzip") from None
    if len(data) > MAX_BODY:
        raise TOO_LARGE
    if not unpack.eof or unpack.unused_data:
        raise Refused(400, "encoding", "that is not gzip from its beginning to its end")
    return data


def _check(body: bytes) -> None:
    """That it is a JSON object or a list; what is in it is the bot's to understand."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "json", "the body is not JSON") from None
    if not isinstance(said, dict | list):
        raise Refused(400, "json", "the body is neither a JSON object nor a list")
