"""A server that answers as Kubernetes' API would, one scripted answer after another: for faults that are rare."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

POD = "/api/v1/namespaces/shop/pods"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: a status and a body; or events of a watch or lines of a log, and then the connection ``breaks`` or ends."""

    body: Any = None
    status: int = 200
    lines: Sequence[str] = ()
    breaks: bool = False
    kind: str = "application/json"


@dataclass(slots=True)
class Api:
    """The scripts, by path, and what was asked for. The last answer of a script is given again and again."""

    folder: Path
    url: str = ""
    asked: list[web.Request] = field(default_factory=list)
    scripts: dict[str, deque[Answer]] = field(default_factory=dict)

    def script(self, path: str, *answers: Answer) -> None:
        """What a path answers; behind ``?`` it may name ``watch`` or ``follow``, or another word of the query."""
        self.scripts[path] = deque(answers)

    def kubeconfig(self, **user: str) -> Path:
        """A kubeconfig of it."""
        file = self.folder / "kubeconfig"
        said = {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": user or {"token": "s3cret"}}],
        }
        file.write_text(json.dumps(said))
        return file

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        of_it = [f"{request.path}?{word}" for word in request.query if f"{request.path}?{word}" in self.scripts]
        script = self.scripts.get(of_it[0] if of_it else request.path, deque([status(404, "NotFound")]))
        answer = script[0] if len(script) == 1 else script.popleft()
        if not (answer.lines or answer.breaks):
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            return web.Response(text=text, status=answer.status, content_type=answer.kind)
        stream = web.StreamResponse()
        await stream.prepare(request)
        for line in answer.lines:
            await stream.write(line.encode() + b"\n")
        if answer.breaks and request.transport is not None:
            request.transport.close()
        return stream


def status(code: int, reason: str, message: str = "") -> Answer:
    """A refusal."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}
    return Answer(body, code)


def forbidden(verb: str, resource: str, user: str = "bot") -> Answer:
    """A refusal for want of a right, in Kubernetes' words."""
    said = f'{resource} is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group "" in the namespace "shop"'
    return status(403, "Forbidden", said)


def pod(name: str, version: int = 1, **more: Any) -> Mapping[str, Any]:
    """A pod, as little of it as there can be."""
    meta = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**meta, **more.pop("metadata", {})}, **more}


def pods(*items: Mapping[str, Any], version: int = 1) -> Answer:
    """A list of pods."""
    return Answer({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": str(version)}, "items": items})


def event(kind: str, item: Mapping[str, Any]) -> str:
    """An event of a watch."""
    return json.dumps({"type": kind, "object": item})


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Api]:
    """The server."""
    api = Api(folder)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield api
    finally:
        await runner.cleanup()
