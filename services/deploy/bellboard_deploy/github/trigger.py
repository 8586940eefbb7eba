"""GitHub as a trigger: a Deployment for the record, and a workflow that does it; or whoever listens for Deployments."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import quote

from bellboard import Failed, ProviderError, UserError
from bellboard.errors import BellboardError

from ..entries import plain
from ..environments import nearest
from ..providers import Commit, Outcome, Step, Version
from .attempt import Attempt, Pace
from .client import Client, GitHubError
from .records import Records
from .workflow import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an environment is deployed to.

    Attributes:
        apps: owner and name of each app's repository.
        environment: GitHub's name of it.
        workflow: the file of the workflow that deploys; empty where somebody else listens for Deployments.
        branch: whose copy of the workflow is run.
        log_url: a page for people; ``{key}`` becomes the key of the deploy.
        pause: seconds between two looks.
        seconds: how long a deploy may take.
    """

    apps: Mapping[str, tuple[str, str]]
    environment: str
    workflow: str = ""
    branch: str = "main"
    log_url: str = ""
    pause: float = 5.0
    seconds: float = 3600.0


class GitHubTrigger:
    """A `Trigger`. The key stands in the Deployment's payload, and is looked for before anything is begun."""

    name = "github"

    def __init__(self, client: Client, plan: Plan) -> None:
        self._client, self._plan = client, plan

    async def apps(self) -> Sequence[str]:
        return tuple(self._plan.apps)

    async def pin(self, app: str, version: str) -> Version:
        repo = self._repo(app)
        plain(version, "a version")
        try:
            said = await self._client.ask("GET", "repos", *repo, "commits", version)
        except GitHubError as error:
            if error.status not in (404, 422):
                raise
            raise UserError(f"{app} has no version “{version[:40]}”", hint=nearest(version, await self._tags(repo))) from error
        try:
            sha, message = str(said["sha"]), str(said["commit"]["message"])
        except (KeyError, TypeError) as error:
            raise ProviderError("GitHub answered in a form that is not its own") from error
        return Version(version, sha, sha, message.split("\n", 1)[0][:200])

    async def run(self, app: str, version: Version, key: str) -> AsyncGenerator[Step, None]:
        records = self._records(app, key)
        record = await records.create(version, key)
        pace = Pace(self._plan.pause, self._plan.seconds)
        attempt = Attempt(records, self._workflow(app), record, pace)
        run, over = None, False
        try:
            yield Step(f"GitHub's deployment {record.id} of {version.name[:40]}")
            await attempt.begin(version, key, self._plan.environment)
            async with aclosing(attempt.follow(key)) as looks:
                async for run in looks:
                    yield Step(f"{run.status.replace('_', ' ')} {run.link}".strip())
            over = True
        except BellboardError:
            over = True
            raise
        finally:
            if not over:  # whoever waits for it went away
                await attempt.stop()
        assert run is not None
        await attempt.end(run)
        if run.conclusion == "failure":
            raise Failed(f"GitHub's deployment {record.id} failed", hint=run.link)
        if run.conclusion != "success":
            raise ProviderError(f"GitHub's deployment {record.id} ended as {run.conclusion[:40]}", hint=run.link)

    async def find(self, app: str, key: str) -> Outcome | None:
        records, workflow = self._records(app, key), self._workflow(app)
        record, complete = await records.of(key)
        if record is None:
            return Outcome(False, "GitHub has no deployment of it") if complete else None
        run = await workflow.named(key) if workflow else None
        outcome = await records.outcome(record, run.link if run else "")
        if outcome is None and run is not None and run.conclusion in ("success", "failure"):
            return Outcome(run.conclusion == "success", f"GitHub's run {run.id} ended as {run.conclusion}", run.link)
        return outcome

    async def current(self, app: str) -> Version | None:
        records = self._records(app, "")
        for record in list(await records.newest())[:10]:
            if (await records.states(record))[:1] == ["success"]:
                return Version(str(record.payload.get("version", record.ref)), record.sha, record.sha)
        return None

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        span = f"{plain(old, 'a version')}...{plain(new, 'a version')}"
        said = await self._client.ask("GET", "repos", *self._repo(app), "compare", span)
        try:
            found = [(one["sha"], one["commit"]) for one in said["commits"]]
            return [
                Commit(sha[:12], (commit["author"] or {}).get("name", ""), commit["message"].split("\n", 1)[0][:200])
                for sha, commit in reversed(found)
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise ProviderError("GitHub answered in a form that is not its own") from error

    def _repo(self, app: str) -> tuple[str, str]:
        if app not in self._plan.apps:
            raise UserError(f"there is no app “{app[:40]}”", hint=nearest(app, self._plan.apps))
        return self._plan.apps[app]

    def _records(self, app: str, key: str) -> Records:
        link = self._plan.log_url.replace("{key}", quote(key, safe=""))
        return Records(self._client, self._repo(app), self._plan.environment, link)

    def _workflow(self, app: str) -> Workflow | None:
        if not self._plan.workflow:
            return None
        return Workflow(self._client, self._repo(app), self._plan.workflow, self._plan.branch)

    async def _tags(self, repo: tuple[str, str]) -> list[str]:
        """Names to say the nearest of; none if they can't be had."""
        try:
            said = await self._client.ask("GET", "repos", *repo, "tags", query={"per_page": 100})
            return [str(one["name"]) for one in said]
        except (GitHubError, KeyError, TypeError):
            return []
