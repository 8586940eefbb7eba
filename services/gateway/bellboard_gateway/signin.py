"""Who sits at a browser: one-time links, people's tokens, and the signed session cookie.

Nothing is kept here: a code and a session are signed claims, and a code is spent by a message on the bus that can be
written once (``once.<hash>``), so every replica of the gateway agrees that it is spent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from bellboard.bus import Bus
from bellboard.errors import CasLost

CODE_LIFE = 600
"""Seconds in which a one-time link can be used."""

SESSION_LIFE = 30 * 86400
"""Seconds after which a browser must sign in again."""

MAX_CLAIM = 1024
"""Characters; a longer code or cookie is not looked at."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Makes and checks claims under one key, which all replicas share.

    Attributes:
        key: at least 32 secret bytes.
        now: the clock, in seconds since 1970.
    """

    key: bytes
    now: Callable[[], float] = time.time

    def code(self, person: str) -> str:
        """A one-time code that signs a person in; good for `CODE_LIFE`."""
        return self._sign("code", person, CODE_LIFE)

    async def spend(self, code: str, bus: Bus) -> str | None:
        """The person whom a code signs in; None if it is wrong, late or spent.

        Raises:
            BusError: whether it is spent can't be found out now.
        """
        person = self._check("code", code)
        if person is None:
            return None
        subject = "once." + hashlib.sha256(code.encode()).hexdigest()
        try:
            await bus.publish(subject, person.encode(), expected=0, scope=subject)
        except CasLost:
            return None
        return person

    def session(self, person: str) -> str:
        """The value of a session cookie."""
        return self._sign("session", person, SESSION_LIFE)

    def who(self, cookie: str) -> str | None:
        """The person whose session a cookie holds; None if it is wrong or too old."""
        return self._check("session", cookie)

    def _sign(self, purpose: str, person: str, life: float) -> str:
        claim = "\n".join((purpose, person, str(int(self.now() + life)), secrets.token_urlsafe(12))).encode()
        return f"{_text(claim)}.{_text(self._mac(claim))}"

    def _check(self, purpose: str, signed: str) -> str | None:
        try:
            claim, mac = (_bytes(part) for part in signed[:MAX_CLAIM].encode("ascii").split(b".", 1))
        except ValueError:
            return None
        if not hmac.compare_digest(mac, self._mac(claim)):
            return None
        said, person, until, _ = claim.decode().split("\n")
        return person if said == purpose and self.now() < int(until) else None

    def _mac(self, claim: bytes) -> bytes:
        return hmac.new(self.key, b"bellboard/signin/v1\0" + claim, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
