"""What Kubernetes answers when it does not do what was asked, in Bellboard's tree of errors.

What it refuses did not happen: that is a `KubeRefused`, a `UserError`. Of everything else that is not known: `KubeError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import msgspec
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.models.meta_v1 import Status

from bellboard.errors import ProviderError, UserError

LONGEST = 300
"""Characters of Kubernetes' own words that are quoted."""

_RIGHT = re.compile(r'cannot (?P<verb>\S+) resource "(?P<what>[^"]+)"')
"""How Kubernetes says that a right is missing; what is refused for another reason, such as a quota, reads otherwise."""


class KubeRefused(UserError):
    """Kubernetes refused it; nothing happened. ``status`` is the HTTP status, ``reason`` its own word, such as Invalid."""

    code = "kube"

    def __init__(self, text: str, *, hint: str = "", status: int = 0, reason: str = "") -> None:
        super().__init__(text, hint=hint)
        self.status, self.reason = status, reason


class KubeDenied(KubeRefused):
    """Whoever it was asked as has no right to it. The text names who, the verb, what and where."""


class KubeAbsent(KubeRefused):
    """There is no such object, or no such kind."""


class KubeConflict(KubeRefused):
    """It is there already (``reason`` AlreadyExists), is not what it was thought to be, or a field belongs to another."""


class KubeError(ProviderError):
    """Kubernetes did not answer, or not well; whether it happened is not known. ``status`` is 0 where nothing came."""

    code = "kube"

    def __init__(self, text: str, *, hint: str = "", status: int = 0) -> None:
        super().__init__(text, hint=hint)
        self.status = status


class KubeUnreachable(KubeError):
    """No connection was made; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, in the words of errors.

    Attributes:
        verb: one of RBAC's.
        what: the plural of the kind.
        one: the kind, as one object is called.
        who: in whose name; empty: the bot itself.
    """

    verb: str
    what: str
    one: str
    name: str = ""
    namespace: str = ""
    who: str = ""

    @property
    def object(self) -> str:
        """One object, or all of a kind, and where."""
        where = f" in {self.namespace}" if self.namespace not in ("", "*") else ""
        return f"{f'{self.one} {self.name}' if self.name else self.what}{where}"


@contextmanager
def told(asked: Asked) -> Iterator[None]:
    """Whatever goes wrong inside of this is raised as one of the errors above."""
    try:
        yield
    except ConfigError as error:
        raise KubeError("the cluster's credentials can't be used", hint="look at the kubeconfig's user") from error
    except httpx2.HTTPStatusError as error:
        raise _refusal(asked, error) from error
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise KubeUnreachable("Kubernetes can't be reached", hint="is the address of its API right?") from error
    except httpx2.TimeoutException as error:
        raise KubeError("Kubernetes did not answer in time") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise KubeError("Kubernetes broke off in the middle") from error
    except msgspec.MsgspecError as error:
        raise KubeError(f"Kubernetes answered with something else than {asked.what}") from error


def _refusal(asked: Asked, error: httpx2.HTTPStatusError) -> KubeRefused | KubeError:
    status = _status(error)
    code, reason, said = status.code or 0, status.reason or "", _short(status.message or "")
    if code == 401:
        return KubeError("Kubernetes does not accept the credentials", hint="have they expired?", status=code)
    if code == 403:
        return _denied(asked, said, reason)
    if code == 404:
        known = asked.name and "find the requested resource" not in said
        text = f"there is no {asked.object}" if known else f"this cluster has no {asked.what}"
        return KubeAbsent(text, status=code, reason=reason)
    if code == 409:
        there = reason == "AlreadyExists"
        text = f"{asked.object} {'is there already' if there else 'was changed by somebody else'}"
        return KubeConflict(text, hint="" if there else said, status=code, reason=reason)
    if code in _WORDS:
        return KubeRefused(_WORDS[code], hint=said, status=code, reason=reason)
    if code == 429:
        return KubeError("Kubernetes has too much to do", hint="try again in a moment", status=code)
    return KubeError(f"Kubernetes has a fault of its own ({code})", hint=said, status=code)


_WORDS: Mapping[int, str] = {
    400: "Kubernetes does not understand it",
    405: "Kubernetes can't do that with this kind",
    410: "Kubernetes has forgotten that version",
    413: "it is too large for Kubernetes",
    415: "Kubernetes does not take it in this form",
    422: "Kubernetes does not take it",
}


def _denied(asked: Asked, said: str, reason: str) -> KubeRefused:
    missing = _RIGHT.search(said)
    if missing is None:
        return KubeRefused("Kubernetes refuses it", hint=said, status=403, reason=reason)
    if missing["verb"].startswith("impersonate"):  # newer ones may name impersonate-on:user-info:list, and what was asked for
        what = missing["what"] if missing["verb"] == "impersonate" else "users"
        hint = f"this bot's service account needs the right to impersonate {what}"
        return KubeDenied(f"this bot may not act as {asked.who}", hint=hint, status=403, reason=reason)
    who = asked.who or "this bot"
    hint = f"a Role for {asked.who or 'its service account'} has to grant {asked.verb} on {missing['what']}"
    return KubeDenied(f"{who} may not {asked.verb} {asked.object}", hint=hint, status=403, reason=reason)


def _status(error: httpx2.HTTPStatusError) -> Status:
    """Kubernetes' own Status, or what can be said without one."""
    if isinstance(error, ApiError):
        return error.status
    try:
        return msgspec.json.decode(error.response.content, type=Status)
    except (msgspec.MsgspecError, httpx2.ResponseNotRead):
        return Status(code=error.response.status_code)


def _short(words: str) -> str:
    """On one line, and not too long."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
