"""A double of GitHub: it keeps deployments, statuses and runs, and refuses whatever GitHub's own description refuses."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.integration.deploy.provider_openapi import OpenApi, Refused

TOKEN = "ghp_hunter22hunter22hunter22hunter22hunt"
REPO = "/repos/acme/shop"
SHA = "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d"
API = OpenApi()


@dataclass
class Fault:
    """What some requests get instead of their answer; ``done``: what they asked for happens nevertheless."""

    method: str
    part: str
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    done: bool = False


class GitHubDouble:
    """One repository, ``acme/shop``. ``run_states`` are what each run goes through, a look at a time."""

    def __init__(self) -> None:
        self.deployments: list[dict[str, Any]] = []
        self.statuses: dict[int, list[dict[str, Any]]] = {}
        self.runs: list[dict[str, Any]] = []
        self.inputs: list[dict[str, Any]] = []
        self.cancelled: list[int] = []
        self.run_states: list[tuple[str, str | None]] = [("queued", None), ("in_progress", None), ("completed", "success")]
        self.tells_runs = True
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self._looks: dict[int, int] = {}

    def app(self) -> web.Application:
        """What answers."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    def states(self) -> list[str]:
        """What was said of the deployments, the oldest first."""
        return [one["state"] for said in self.statuses.values() for one in reversed(said)]

    async def _handle(self, request: web.Request) -> web.Response:
        path = request.rel_url.raw_path
        raw = await request.read()
        body = await request.json() if raw else None
        self.asked.append(f"{request.method} {path}")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "Bad credentials", "documentation_url": "x", "status": "401"}, status=401)
        try:
            API.request(request.method, path, dict(request.query), body)
        except Refused as refused:
            self.wrong.append(f"{request.method} {path}: {refused}")
            return web.json_response({"message": "Validation Failed", "errors": [str(refused)]}, status=422)
        fault = next((one for one in self.faults if one.method == request.method and one.part in path and one.times), None)
        if fault is not None:
            fault.times -= 1
            if fault.done:
                self._answer(request.method, path, dict(request.query), body)
            return web.json_response(fault.body or {"message": "no"}, status=fault.status, headers=fault.headers)
        status, answer = self._answer(request.method, path, dict(request.query), body)
        try:
            API.answer(request.method, path, status, answer)
        except Refused as refused:
            self.wrong.append(f"answer of {request.method} {path}: {refused}")
        return web.Response(status=204) if answer is None else web.json_response(answer, status=status)

    def _answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        known, values = API.find(method, path)
        match method, known.removeprefix("/repos/{owner}/{repo}"):
            case "POST", "/deployments":
                return self._deploy(body)
            case "GET", "/deployments":
                first = (int(query.get("page", 1)) - 1) * int(query.get("per_page", 30))
                return 200, self.deployments[first : first + int(query.get("per_page", 30))]
            case "POST", "/deployments/{deployment_id}/statuses":
                said = {**API.example("deployment-status"), **{key: body[key] for key in ("state", "description")}}
                said["log_url"] = body.get("log_url", "")
                self.statuses[int(values["deployment_id"])].insert(0, said)
                return 201, said
            case "GET", "/deployments/{deployment_id}/statuses":
                return 200, self.statuses[int(values["deployment_id"])]
            case "POST", "/actions/workflows/{workflow_id}/dispatches":
                return self._dispatch(body)
            case "GET", "/actions/workflows/{workflow_id}/runs":
                return 200, {"total_count": len(self.runs), "workflow_runs": [self._run(one["id"]) for one in self.runs]}
            case "GET", "/actions/runs/{run_id}":
                return 200, self._run(int(values["run_id"]))
            case "POST", "/actions/runs/{run_id}/cancel":
                self.cancelled.append(int(values["run_id"]))
                return 202, {}
            case "GET", "/commits/{ref}":
                if unquote(values["ref"]) not in ("v1", "v2", "feature/new", SHA):
                    return 422, {"message": f"No commit found for SHA: {values['ref']}"}
                commit = API.example("commit")
                commit |= {"sha": SHA, "files": []}  # those of the example are not as GitHub describes them
                return 200, commit
            case "GET", "/tags":
                return 200, [{**API.example("tag-items")[0], "name": name} for name in ("v1", "v2")]
            case "GET", "/compare/{basehead}":
                return 200, API.example("commit-comparison")
        raise AssertionError(f"{method} {path}")

    def _deploy(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        made = API.example("deployment-items")[0]
        made |= {"id": 42 + len(self.deployments), "ref": body["ref"], "sha": SHA, "payload": deepcopy(body.get("payload", {}))}
        made["environment"] = body.get("environment", "production")
        self.deployments.insert(0, made)
        self.statuses[made["id"]] = []
        return 201, made

    def _dispatch(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        run = API.example("workflow-run")
        run |= {"id": 9000 + len(self.runs), "display_title": f"Deploy {body['inputs']['bellboard']}"}
        self.runs.insert(0, run)
        self.inputs.append(body["inputs"])
        if not (self.tells_runs and body.get("return_run_details")):
            return 204, None
        return 200, {**API.example("workflow-dispatch-response"), "workflow_run_id": run["id"]}

    def _run(self, id: int) -> dict[str, Any]:
        look = self._looks[id] = self._looks.get(id, -1) + 1
        status, conclusion = self.run_states[min(look, len(self.run_states) - 1)]
        run = next(one for one in self.runs if one["id"] == id)
        return {**run, "status": status, "conclusion": conclusion}
