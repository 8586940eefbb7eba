"""Holds the requests to GitHub against Prism, which judges by GitHub's own description.

Run it by ``make github``. It needs ``npx``, which fetches 475 MB once, or ``PRISM`` as the path of
one that is there. Prism keeps nothing, so this asks for each thing by itself.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import aiohttp

from bellboard.testing import eventually
from bellboard.testing.servers import free_port
from bellboard_deploy.github.client import Client, GitHubError
from bellboard_deploy.github.records import Record, Records
from bellboard_deploy.github.trigger import GitHubTrigger, Plan
from bellboard_deploy.github.workflow import Workflow
from bellboard_deploy.providers import Version
from tests.integration.deploy.provider_openapi import FILE

PRISM = "@stoplight/prism-cli@5.16.0"
REPO = ("acme", "shop")


async def main() -> int:
    """Ask everything; how much was not answered as it should be."""
    prism = os.environ.get("PRISM", "")
    if not prism and shutil.which("npx") is None:
        print("needs npx: install Node.js")
        return 1
    command = [prism] if prism else ["npx", "--yes", PRISM]
    async with _served(command) as url:
        client = Client(url, "ghp_any", accept="application/json")
        try:
            return await _judge(client)
        finally:
            await client.close()


async def _judge(client: Client) -> int:
    records = Records(client, REPO, "production", "https://chat.example.org/c/d142")
    workflow = Workflow(client, REPO, "deploy.yml", "main")
    trigger = GitHubTrigger(client, Plan(apps={"shop": REPO}, environment="production", workflow="deploy.yml"))
    path = ("repos", *REPO, "deployments")
    bad = [
        await _right("deployment", records.create(Version("v2", "a84d88e"), "d142")),
        await _right("find", trigger.find("shop", "d142")),
        await _right("states", records.states(Record(1, "v2", "a84d88e"))),
        *[
            await _right(f"status {state}", records.say(Record(1, "v2", "a84d88e"), state, "words"))
            for state in ("queued", "in_progress", "success", "failure", "inactive")
        ],
        await _right("dispatch", workflow.start({"version": "v2", "bellboard": "d142"})),
        await _right("run", workflow.run(1)),
        await _right("runs", workflow.named("d142")),
        await _right("cancel", workflow.cancel(1)),
        await _right("commit", trigger.pin("shop", "feature/new")),
        await _right("compare", trigger.compare("shop", "v1", "v2")),
        await _right("current", trigger.current("shop")),
        await _wrong("deployment without a ref", client.ask("POST", *path, body={"environment": "x"})),
        await _wrong("status rolled_back", client.ask("POST", *path, "1", "statuses", body={"state": "rolled_back"})),
    ]
    print(f"{len(bad) - sum(bad)} of {len(bad)} as they should be")
    return sum(bad)


async def _right(what: str, ask: Awaitable[object]) -> bool:
    try:
        await ask
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told, and counted
        print(f"{what}: {error}")
        return True
    return False


async def _wrong(what: str, ask: Awaitable[object]) -> bool:
    try:
        await ask
    except GitHubError as error:
        if error.status == 422:
            return False
    print(f"{what}: was not refused")
    return True


@asynccontextmanager
async def _served(command: list[str]) -> AsyncIterator[str]:
    """Prism with the description, as a process; where it is."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ["mock", "--errors", "--port", str(port), str(FILE)]
    process = await asyncio.create_subprocess_exec(*command, *arguments, stdout=sys.stderr, start_new_session=True)
    try:
        await eventually(lambda: _answers(url), timeout=300, because="Prism does not answer")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url):
            return True
    except aiohttp.ClientError:
        return False


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
