"""A workflow that deploys: started once, followed to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bellboard import ProviderError

from .client import Client, GitHubError


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a workflow. ``conclusion`` is empty until it is over."""

    id: int
    status: str
    conclusion: str
    link: str


class Workflow:
    """One workflow of a repository.

    Args:
        file: its name under ``.github/workflows``. It takes the inputs ``version``, ``sha``, ``environment`` and ``bellboard``,
            and has ``run-name: ${{ inputs.bellboard }}``, by which a run is found where GitHub does not tell its id.
        branch: whose copy of the workflow is run.
    """

    def __init__(self, client: Client, repo: tuple[str, str], file: str, branch: str) -> None:
        self._client, self._repo, self._file, self._branch = client, ("repos", *repo), file, branch

    async def start(self, inputs: Mapping[str, str]) -> int | None:
        """Start it; the id of the run, None where GitHub does not tell it.

        Raises:
            GitHubError: ``passing`` ones may have started it.
        """
        path = (*self._repo, "actions", "workflows", self._file, "dispatches")
        body: dict[str, Any] = {"ref": self._branch, "inputs": dict(inputs), "return_run_details": True}
        try:
            said = await self._client.ask("POST", *path, body=body)
        except GitHubError as error:
            if error.status != 400:
                raise
            del body["return_run_details"]  # older servers don't know it
            said = await self._client.ask("POST", *path, body=body)
        return int(said["workflow_run_id"]) if isinstance(said, dict) and "workflow_run_id" in said else None

    async def named(self, key: str) -> Run | None:
        """The run whose name has the key in it."""
        query: dict[str, str | int] = {"event": "workflow_dispatch", "per_page": 100}
        said = await self._client.ask("GET", *self._repo, "actions", "workflows", self._file, "runs", query=query)
        runs = said.get("workflow_runs", ()) if isinstance(said, dict) else ()
        return next((_run(one) for one in runs if key in str(one.get("display_title", "")).split()), None)

    async def run(self, id: int) -> Run:
        """How a run is doing."""
        return _run(await self._client.ask("GET", *self._repo, "actions", "runs", str(id)))

    async def cancel(self, id: int) -> None:
        """Have a run end early."""
        await self._client.ask("POST", *self._repo, "actions", "runs", str(id), "cancel")


def _run(said: Any) -> Run:
    try:
        return Run(int(said["id"]), str(said["status"]), str(said["conclusion"] or ""), str(said["html_url"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderError("GitHub answered in a form that is not its own") from error
