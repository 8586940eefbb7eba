"""GitHub as the one that deploys, against a double that GitHub's own description judges."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from bellboard import Failed, ProviderError, SettingsError, UserError
from bellboard.errors import BellboardError
from bellboard.testing import eventually
from bellboard_deploy.github import open_github
from bellboard_deploy.github.trigger import GitHubTrigger
from bellboard_deploy.providers import Version
from tests.integration.deploy.provider_github import REPO, SHA, TOKEN, Fault, GitHubDouble
from tests.integration.deploy.provider_openapi import OpenApi, Refused
from tests.integration.deploy.provider_suite import payloads

V2 = Version("v2", SHA, SHA)
Made = Callable[..., AbstractAsyncContextManager[GitHubTrigger]]


@pytest.fixture
async def github() -> AsyncIterator[GitHubDouble]:
    """GitHub. At the end, nothing that was asked or answered may have been against its description."""
    double = GitHubDouble()
    yield double
    assert double.wrong == []


@pytest.fixture
def make(github: GitHubDouble, tmp_path: Path) -> Made:
    """Makes the provider, from the entry of a file."""

    @asynccontextmanager
    async def made(**more: object) -> AsyncIterator[GitHubTrigger]:
        token = tmp_path / "token"
        token.write_text(f"{TOKEN}\n")
        async with TestServer(github.app()) as server:
            entry: dict[str, object] = {
                "kind": "github",
                "apps": {"shop": "acme/shop"},
                "workflow": "deploy.yml",
                "token_file": str(token),
                "log_url": "https://chat.example.org/c/{key}",
                "url": str(server.make_url("")),
                "pause": 0.01,
            }
            async with open_github("production", {**entry, **more}) as environment:
                assert isinstance(environment.trigger, GitHubTrigger)
                yield environment.trigger

    return made


async def told(trigger: GitHubTrigger, key: str = "d142") -> list[str]:
    """What a deploy told."""
    return [step.text async for step in trigger.run("shop", V2, key)]


async def test_a_deploy_is_recorded_started_and_followed(github: GitHubDouble, make: Made) -> None:
    """The deployment is of the commit, carries our key, and its states lead to us."""
    async with make() as trigger:
        steps = await told(trigger)
        assert (await trigger.find("shop", "d142")).happened is True  # type: ignore[union-attr]
        assert await trigger.current("shop") == Version("v2", SHA, SHA)

    assert [step.split()[0] for step in steps] == ["GitHub's", "queued", "in", "completed"]
    (made,) = github.deployments
    assert (made["ref"], made["payload"]) == (SHA, {"bellboard": "d142", "version": "v2"})
    assert github.states() == ["queued", "in_progress", "success"]
    assert {one["log_url"] for one in github.statuses[made["id"]]} == {"https://chat.example.org/c/d142"}
    assert github.inputs == [{"version": "v2", "sha": SHA, "environment": "production", "bellboard": "d142"}]


async def test_the_same_key_deploys_once(github: GitHubDouble, make: Made) -> None:
    """Whoever runs it again follows the one that there is."""
    async with make() as trigger:
        await told(trigger)
        await told(trigger)
    assert len(github.deployments) == len(github.runs) == 1


@pytest.mark.parametrize("part", ["/deployments", "/dispatches"])
async def test_what_was_done_without_an_answer_is_not_done_again(github: GitHubDouble, make: Made, part: str) -> None:
    """GitHub has a fault after it did it: it is looked for, and found."""
    github.faults.append(Fault("POST", part, 502, done=True))
    async with make() as trigger:
        await told(trigger)
    assert len(github.deployments) == len(github.runs) == 1
    assert github.states() == ["queued", "in_progress", "success"]


async def test_what_was_not_done_and_not_answered_is_not_known(github: GitHubDouble, make: Made) -> None:
    """It may yet arrive; nothing more is begun."""
    github.faults.append(Fault("POST", "/deployments", 502))
    async with make() as trigger:
        with pytest.raises(ProviderError, match="fault of its own"):
            await told(trigger)
    assert github.runs == []


async def test_a_run_is_found_by_its_name_where_its_id_is_not_told(github: GitHubDouble, make: Made) -> None:
    """As older servers do; those that refuse the question are asked without it."""
    github.tells_runs = False
    github.faults.append(Fault("POST", "/dispatches", 400, {"message": "Unpermitted parameter: return_run_details"}))
    async with make() as trigger:
        steps = await told(trigger)
    assert steps[-1].startswith("completed")
    assert len(github.runs) == 1


@pytest.mark.parametrize(
    ("conclusion", "raises", "happened"),
    [("failure", Failed, False), ("cancelled", ProviderError, False), ("timed_out", ProviderError, False)],
)
async def test_a_run_that_did_not_succeed(
    github: GitHubDouble, make: Made, conclusion: str, raises: type[BellboardError], happened: bool
) -> None:
    """A failure is certain; one that was cut off is not."""
    github.run_states = [("in_progress", None), ("completed", conclusion)]
    async with make() as trigger:
        with pytest.raises(raises) as error:
            await told(trigger)
        outcome = await trigger.find("shop", "d142")
    assert error.type is raises
    assert outcome is not None
    assert outcome.happened is happened
    assert github.states() == ["queued", "in_progress", "failure"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault("GET", "/deployments", 401), "does not accept the token"),
        (Fault("GET", "/deployments", 301, {"message": "Moved Permanently"}), "under another name now"),
        (Fault("POST", "/deployments", 403), "does not permit it"),
        (Fault("POST", "/deployments", 404), "no such thing"),
        (Fault("POST", "/deployments", 409, {"message": "Conflict: Commit status checks failed"}), "status checks failed"),
        (Fault("POST", "/deployments", 422, {"message": "No ref found"}), "No ref found"),
        (Fault("POST", "/dispatches", 422, {"message": "Workflow does not have 'workflow_dispatch' trigger"}), "trigger"),
        (Fault("POST", "/dispatches", 404), "no such thing"),
        (Fault("GET", "/deployments", 403, headers={"x-ratelimit-remaining": "0"}), "rate limit is used up"),
        (Fault("GET", "/deployments", 429, headers={"retry-after": "60"}), "again in 60 s"),
        (Fault("GET", "/deployments", 503), "fault of its own (503)"),
    ],
)
async def test_what_github_refuses_did_not_happen(github: GitHubDouble, make: Made, fault: Fault, says: str) -> None:
    """Said in a few words; nothing was started."""
    github.faults.append(fault)
    async with make() as trigger:
        with pytest.raises(Failed) as error:
            await told(trigger)
    assert says in str(error.value)
    assert len(str(error.value)) < 200
    assert github.runs == []


async def test_states_that_can_not_be_seen_leave_it_unknown(github: GitHubDouble, make: Made) -> None:
    """It may have been started before; it is not started now."""
    github.faults.append(Fault("GET", "/statuses", 503))
    async with make() as trigger:
        with pytest.raises(ProviderError, match="fault of its own"):
            await told(trigger)
    assert github.runs == []


async def test_the_reset_of_a_rate_limit_is_told(github: GitHubDouble, make: Made) -> None:
    """By the hour; nonsense in the header is passed over."""
    reset = int(time.time()) + 600
    for header, hint in ((str(reset), time.strftime("again at %H:%M UTC", time.gmtime(reset))), ("soon", "")):
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": header}
        github.faults.append(Fault("GET", "/commits", 403, headers=headers))
        async with make() as trigger:
            with pytest.raises(ProviderError) as error:
                await trigger.pin("shop", "v2")
        assert error.value.hint == hint


async def test_the_token_is_never_shown(github: GitHubDouble, make: Made) -> None:
    """Not where GitHub gives it back, nor where nobody can be reached."""
    body = {"message": f"token {TOKEN} is bad", "errors": [{"message": TOKEN}]}
    github.faults.append(Fault("GET", "/commits", 403, body))
    async with make() as trigger:
        with pytest.raises(ProviderError) as refused:
            await trigger.pin("shop", "v2")
        assert TOKEN not in repr(vars(trigger))
    async with make(url="http://127.0.0.1:9") as trigger:
        with pytest.raises(ProviderError) as away:
            await trigger.pin("shop", "v2")
    for error in (refused.value, away.value):
        assert "hunter22" not in f"{error!s} {error!r}"
        assert len(str(error)) < 300


async def test_passing_faults_do_not_end_a_deploy_that_runs(github: GitHubDouble, make: Made) -> None:
    """It is asked for again; a record that lags behind is no reason to stop, and the run itself tells the probe."""
    github.faults.append(Fault("GET", "/actions/runs", 502, times=3))
    async with make() as trigger:
        async for step in trigger.run("shop", V2, "d142"):
            if step.text.startswith("queued"):
                github.faults.append(Fault("POST", "/statuses", 503, times=9))
        outcome = await trigger.find("shop", "d142")
    assert step.text.startswith("completed")
    assert github.states() == ["queued"]
    assert outcome is not None
    assert outcome.happened is True


async def test_faults_that_do_not_pass_leave_it_unknown(github: GitHubDouble, make: Made) -> None:
    """After some of them."""
    github.faults.append(Fault("GET", "/actions/runs", 502, times=100))
    async with make(pause=0.001) as trigger:
        with pytest.raises(ProviderError, match="502"):
            await told(trigger)
        assert await trigger.find("shop", "nobody") is not None


async def test_one_that_takes_too_long_is_not_known(github: GitHubDouble, make: Made) -> None:
    """It goes on there."""
    github.run_states = [("in_progress", None)]
    async with make(seconds=0.05) as trigger:
        with pytest.raises(ProviderError, match="longer than"):
            await told(trigger)
        assert await trigger.find("shop", "d142") is None


async def test_a_cancelled_deploy_is_cancelled_there(github: GitHubDouble, make: Made) -> None:
    """The run is, and the deployment is inactive."""
    github.run_states = [("in_progress", None)]
    async with make() as trigger:
        task = asyncio.create_task(told(trigger))
        await eventually(lambda: "in_progress" in github.states())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with aclosing(trigger.run("shop", V2, "d143")) as steps:
            await anext(steps)
        outcome = await trigger.find("shop", "d142")

    assert github.cancelled == [9000]
    assert github.states()[2] == "inactive"
    assert outcome is not None
    assert outcome.happened is False
    assert len(github.runs) == 1


async def test_without_a_workflow_somebody_else_says_how_it_goes(github: GitHubDouble, make: Made) -> None:
    """Their states are followed, and none is added."""
    async with make(workflow="") as trigger:
        task = asyncio.create_task(told(trigger))
        await eventually(lambda: bool(github.deployments))
        for state in ("in_progress", "success"):
            github.statuses[42].insert(0, {**API.example("deployment-status"), "state": state})
            github.asked.clear()
            await eventually(lambda: len(github.asked) > 3 or task.done())
        steps = await task
    assert steps[-1] == "completed"
    assert github.states() == ["in_progress", "success"]


async def test_nothing_of_that_key_means_that_it_did_not_happen(github: GitHubDouble, make: Made) -> None:
    """If all there are could be looked through."""
    async with make() as trigger:
        outcome = await trigger.find("shop", "d7")
        assert outcome is not None
        assert outcome.happened is False
        github.deployments = [{**API.example("deployment-items")[0], "id": n} for n in range(501)]
        assert await trigger.find("shop", "d7") is None


async def test_versions_are_commits(make: Made) -> None:
    """Pinned by name; an unknown one is refused with the nearest tag."""
    async with make() as trigger:
        for name in ("v2", "feature/new", SHA):
            assert (await trigger.pin("shop", name)).digest == SHA
        with pytest.raises(UserError) as refused:
            await trigger.pin("shop", "v22")
        assert "v2" in refused.value.hint
        with pytest.raises(UserError, match="no app"):
            await trigger.pin("shopp", "v1")
        commits = await trigger.compare("shop", "v1", "v2")
        assert commits[0].summary == "Fix all the bugs"


async def test_hostile_names_ask_github_nothing(github: GitHubDouble, make: Made) -> None:
    """5,000 of them: no address is made of them that leads elsewhere."""
    async with make() as trigger:
        for payload in payloads():
            with pytest.raises(UserError):
                await trigger.find(payload, "d1") if payload != "shop" else await trigger.pin("", "")
            if not (payload.isascii() and payload.isalnum()):
                with pytest.raises(UserError):
                    await trigger.pin("shop", payload)
    assert all(path.startswith((f"GET {REPO}/commits/", f"GET {REPO}/tags")) for path in github.asked)
    assert not any(".." in path or "//" in path for path in github.asked)


@pytest.mark.parametrize(
    "wrong",
    [
        {"apps": {"shop": "acme"}},
        {"apps": {"shop": "acme/.."}},
        {"workflow": "../x.yml"},
        {"token": "ghp_x"},
        {"token_file": "/nowhere"},
        {"url": "file:///etc/passwd"},
        {"url": "https://ann:pass@example.org"},
        {"pause": 0},
    ],
)
async def test_a_wrong_entry_is_refused_at_start(make: Made, wrong: dict[str, Any]) -> None:
    """Without showing what stands there."""
    with pytest.raises(SettingsError, match="production") as error:
        async with make(**wrong):
            pass
    assert "ghp_x" not in str(error.value)


async def test_the_judge_refuses_what_github_would() -> None:
    """Else it would prove nothing."""
    for method, path, body in (
        ("POST", f"{REPO}/deployments", {"environment": "x"}),
        ("POST", f"{REPO}/deployments", {"ref": 7}),
        ("POST", f"{REPO}/deployments", {"ref": "v1", "colour": "red"}),
        ("POST", f"{REPO}/deployments/1/statuses", {"state": "rolled_back"}),
        ("POST", f"{REPO}/deployments/x/statuses", {"state": "success"}),
        ("POST", f"{REPO}/actions/workflows/a.yml/dispatches", {"inputs": {}}),
        ("DELETE", f"{REPO}/deployments", None),
    ):
        with pytest.raises(Refused):
            API.request(method, path, {}, body)
    with pytest.raises(Refused):
        API.request("GET", f"{REPO}/deployments", {"page": "one"}, None)
    with pytest.raises(Refused):
        API.answer("POST", f"{REPO}/deployments", 201, {"id": "x"})
    API.request("POST", f"{REPO}/deployments/1/statuses", {}, {"state": "success"})


API = OpenApi()
