"""Webhooks as people write them down: which there are, whose they are, and how a request proves where it is from.

``hooks.yaml``::

    hooks:
      alertmanager: {format: alertmanager, bot: oncall, auth: path, secret: 3f…}
      ci: {bot: oncall, auth: hmac, secret_file: /run/secrets/ci}
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from bellboard.errors import SettingsError

SIGNATURE = "X-Bellboard-Signature"
GRAFANA_SIGNATURE, GRAFANA_TIMESTAMP = "X-Grafana-Alerting-Signature", "X-Grafana-Alerting-Timestamp"
GRAFANA = "grafana"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Secret = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{20,200}$")]
"""Safe in a path; long enough that nobody guesses it."""

Auth = Literal["path", "bearer", "hmac"]
_HINT = "put it right; what was in force stays so"
_STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _as_several(said: Any) -> Any:
    return (said,) if isinstance(said, str) else said


class Hook(BaseModel):
    """One webhook.

    Attributes:
        format: how its bodies are to be read, as its bot knows formats: ``alertmanager``, ``grafana``, ``generic``.
        bot: who is handed what comes in.
        auth: ``path`` (the secret is the last part of the address), ``bearer`` (an ``Authorization`` header) or ``hmac`` (each
            request is signed: with `SIGNATURE`, and in the format ``grafana`` with Grafana's own headers).
        secret: one secret, or several while one takes another's place. In the file ``secret_file`` may say where they stand
            instead, one a line; a relative path begins at the folder of the file.
    """

    model_config = _STRICT

    format: Name = "generic"
    bot: Name
    auth: Auth
    secret: Annotated[tuple[Secret, ...], Field(min_length=1), BeforeValidator(_as_several)] = Field(repr=False)


class _File(BaseModel):
    model_config = _STRICT

    hooks: dict[Name, Hook] = {}

    @model_validator(mode="after")
    def _no_secret_twice(self) -> _File:
        known: dict[str, str] = {}
        for name, hook in self.hooks.items():
            for secret in hook.secret:
                if (other := known.setdefault(secret, name)) != name:
                    raise ValueError(f"{other} and {name} have the same secret")
        return self


def read(path: Path) -> Mapping[str, Hook]:
    """The webhooks of a file, by name; none where there is no file.

    Raises:
        SettingsError: anything in it is wrong. It names the place, and shows no secret.
    """
    try:
        said = _load(path)
        for entry, file in _kept_apart(path, said):
            entry["secret"] = file.read_text(encoding="utf-8").split()
            entry.pop("secret_file", None)  # an alias of YAML is the same entry twice
        return _File.model_validate(said).hooks
    except OSError as error:
        raise SettingsError(f"{error.filename} can't be read: {error.strerror}", hint=_HINT) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path} is no YAML{where}", hint=_HINT) from None
    except ValidationError as error:
        problems = (".".join(map(str, one["loc"])) + ": " + one["msg"].lower() for one in error.errors()[:3])
        raise SettingsError(f"{path}: {'; '.join(problems)}", hint=_HINT) from None


def files(path: Path) -> list[Path]:
    """The file itself, and those in which its secrets stand, as far as it can be read."""
    try:
        return [path, *(file for _, file in _kept_apart(path, _load(path)))]
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return [path]


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8") if path.exists() else "") or {}


def _kept_apart(path: Path, said: Any) -> list[tuple[dict[str, Any], Path]]:
    """Each entry whose secret stands in a file of its own, and that file."""
    entries = said.get("hooks") if isinstance(said, dict) else None
    found = entries.values() if isinstance(entries, dict) else ()
    apart = (entry for entry in found if isinstance(entry, dict) and isinstance(entry.get("secret_file"), str))
    return [(entry, path.parent / entry["secret_file"]) for entry in apart if "secret" not in entry]


def signed(secret: str, at: int, body: bytes) -> str:
    """The value of the header `SIGNATURE` of a body that is sent at a moment, in seconds since 1970."""
    return f"t={at},v1={mac(secret, b'%d.%b' % (at, body))}"


def mac(secret: str, data: bytes) -> str:
    """The HMAC-SHA256 of some bytes, in hex."""
    return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
