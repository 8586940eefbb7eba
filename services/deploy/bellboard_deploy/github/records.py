"""GitHub's Deployments of one repository and environment: the record of what was deployed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from bellboard import Failed, ProviderError

from ..providers import Outcome, Version
from .client import Client, GitHubError

State = Literal["queued", "in_progress", "success", "failure", "inactive"]

PAGE = 100
PAGES = 5
"""How many pages of deployments are looked through for one of ours."""

OURS = "bellboard"
"""The field of a deployment's payload that holds the key of the deploy."""


@dataclass(frozen=True, slots=True)
class Record:
    """One of GitHub's Deployments. ``payload`` is what it was given by whoever made it."""

    id: int
    ref: str
    sha: str
    payload: Mapping[str, Any] = field(default_factory=dict)


class Records:
    """The Deployments of a repository to an environment.

    Args:
        repo: owner and name.
        log_url: where people follow a deploy; each status has it.
    """

    def __init__(self, client: Client, repo: tuple[str, str], environment: str, log_url: str) -> None:
        self._client, self._path = client, ("repos", *repo, "deployments")
        self._environment, self._log_url = environment, log_url

    async def of(self, key: str) -> tuple[Record | None, bool]:
        """The one with this key, and whether all there are were looked through.

        Raises:
            GitHubError: they can't be had.
        """
        for page in range(1, PAGES + 1):
            records = await self.newest(page)
            for record in records:
                if record.payload.get(OURS) == key:
                    return record, True
            if len(records) < PAGE:
                return None, True
        return None, False

    async def newest(self, page: int = 1) -> Sequence[Record]:
        """A page of them, the newest first."""
        query: dict[str, str | int] = {"environment": self._environment, "per_page": PAGE, "page": page}
        return [_record(one) for one in _list(await self._client.ask("GET", *self._path, query=query))]

    async def create(self, version: Version, key: str) -> Record:
        """Make one for a commit, unless there is one with this key.

        Raises:
            Failed: GitHub refused. There is none.
            ProviderError: it is not known whether there is one now.
        """
        found, complete = await self._look(key)
        if found is not None:
            return found
        if not complete:
            raise Failed("GitHub has too many deployments to look through", hint="nothing was begun")
        body = {
            "ref": version.digest,
            "environment": self._environment,
            "auto_merge": False,
            "description": f"{version.name[:80]} by Bellboard",
            "payload": {OURS: key, "version": version.name},
        }
        try:
            return _record(await self._client.ask("POST", *self._path, body=body))
        except GitHubError as error:
            if not error.passing:
                raise Failed(error.text, hint=error.hint) from error
            found, _ = await self.of(key)  # it may have been made nevertheless
            if found is None:
                raise
            return found

    async def _look(self, key: str) -> tuple[Record | None, bool]:
        try:
            return await self.of(key)
        except GitHubError as error:
            raise Failed(error.text, hint=error.hint or "nothing was begun") from error

    async def states(self, record: Record) -> list[str]:
        """What was said of one, the newest first."""
        said = await self._client.ask("GET", *self._path, str(record.id), "statuses", query={"per_page": PAGE})
        return [str(one.get("state", "")) for one in _list(said)]

    async def say(self, record: Record, state: State, text: str) -> None:
        """Say how one is doing, with the link that leads to us."""
        body: dict[str, Any] = {"state": state, "description": text[:140]}
        if self._log_url:
            body["log_url"] = self._log_url
        await self._client.ask("POST", *self._path, str(record.id), "statuses", body=body)

    async def outcome(self, record: Record, link: str = "") -> Outcome | None:
        """What became of one; None while that is open."""
        states = await self.states(record)
        what = f"GitHub's deployment {record.id} of {record.ref[:40]}"
        if "success" in states:
            return Outcome(True, f"{what} succeeded", link)
        if states and states[0] in ("failure", "error", "inactive"):
            return Outcome(False, f"{what}: {states[0]}", link)
        return None


def _list(said: Any) -> list[Any]:
    if not isinstance(said, list):
        raise ProviderError("GitHub answered in a form that is not its own")
    return said


def _record(said: Any) -> Record:
    try:
        payload = said.get("payload") or {}
        if isinstance(payload, str):  # older ones come as text
            payload = orjson.loads(payload)
        return Record(int(said["id"]), str(said["ref"]), str(said["sha"]), payload if isinstance(payload, dict) else {})
    except orjson.JSONDecodeError:
        return Record(int(said["id"]), str(said["ref"]), str(said["sha"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProviderError("GitHub answered in a form that is not its own") from error
