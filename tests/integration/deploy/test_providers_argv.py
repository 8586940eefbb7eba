"""Programs that deploy, as real processes."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from bellboard import Failed, ProviderError, SettingsError, UserError
from bellboard.testing import eventually
from bellboard_deploy.argv import CommandHosts, open_command, program
from bellboard_deploy.argv.hosts import WORDS as HOST_WORDS
from bellboard_deploy.argv.program import Program
from bellboard_deploy.argv.trigger import SHOWN, CommandTrigger
from bellboard_deploy.haproxy.deployer import Hosts
from bellboard_deploy.providers import Step, Version
from tests.integration.deploy.provider_suite import payloads

V2 = Version("v2", "3b1f")
Script = Callable[[str, str], str]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Writes a program of this name; its path."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return write


@pytest.fixture
def environment(tmp_path: Path) -> Callable[..., dict[str, object]]:
    """The entry of an environment that these programs deploy to."""

    def make(*run: str, **more: object) -> dict[str, object]:
        return {"kind": "command", "apps": ["shop"], "run": list(run), "cwd": str(tmp_path), **more}

    return make


Entry = Callable[..., dict[str, object]]


async def ran(entry: dict[str, object], version: Version = V2) -> list[str]:
    """What a deploy told."""
    async with open_command("prod", entry) as made:
        assert made.trigger is not None
        return [step.text async for step in made.trigger.run("shop", version, "d1")]


async def test_arguments_arrive_whole_and_no_shell_sees_them(script: Script, environment: Entry) -> None:
    """Each placeholder is one argument; what stands beside them stays as it is."""
    path = script("ship", 'for word in "$@"; do echo "<$word>"; done')
    told = await ran(environment(path, "--app", "{app}", "{version}", "{env}", "{key}", "$(id) `id` ; *", "{digest}"))
    assert told == ["ship runs", "<--app>", "<shop>", "<v2>", "<prod>", "<d1>", "<$(id) `id` ; *>", "<3b1f>"]


async def test_it_runs_in_its_folder_with_nothing_but_what_is_allowed(
    script: Script, environment: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its environment is PATH and what the file names."""
    monkeypatch.setenv("REGION", "eu-1")
    monkeypatch.setenv("BELLBOARD_SEED", "not-for-you")
    told = await ran(
        environment(script("ship", "pwd; env | cut -d= -f1 | sort | tr '\\n' ' '; echo $REGION"), environment=["REGION"])
    )
    assert told[1] == str(tmp_path)
    assert set(told[2].split()) - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "REGION", "eu-1"}


async def test_output_is_masked_and_made_fit_for_people(
    script: Script, environment: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No secret of its environment, no password, no colour, no line without end."""
    monkeypatch.setenv("DEPLOY_TOKEN", "hunter22-hunter22")
    lines = r"""echo "using $DEPLOY_TOKEN now" >&2
printf 'Authorization: Bearer abcdefghijkl\nhttps://ann:pass123@example.org/x\npassword = geheim\n'
printf '\033[31mred\033[0m\007 one\r\ntwo\n\n'
head -c 100000 /dev/zero | tr '\0' 'x'; echo"""
    told = await ran(environment(script("ship", lines), environment=["DEPLOY_TOKEN"]))
    assert told[1:7] == [
        "using •••• now",
        "Authorization: Bearer ••••",
        "https://ann:••••@example.org/x",
        "password = ••••",
        "red one",
        "two",
    ]
    assert told[7] == "x" * 400 + "…"
    assert len(told) == 8


async def test_much_output_is_read_and_not_shown(script: Script, environment: Entry) -> None:
    """The first lines are; of the others, their number and the last one."""
    told = await ran(environment(script("ship", "seq 1 100000")))
    assert len(told) == SHOWN + 2
    assert told[-1] == f"… {100000 - SHOWN} more lines; the last is: 100000"


async def test_lines_come_as_they_are_said(script: Script, environment: Entry, tmp_path: Path) -> None:
    """Not only at the end."""
    path = script("ship", "echo begun; while [ ! -e go ]; do sleep 0.02; done; echo ended")
    async with open_command("prod", environment(path)) as made:
        assert made.trigger is not None
        steps = made.trigger.run("shop", V2, "d1")
        assert [(await anext(steps)).text for _ in range(2)] == ["ship runs", "begun"]
        (tmp_path / "go").touch()
        assert [step.text async for step in steps] == ["ended"]


@pytest.mark.parametrize(
    ("ends", "finds", "raises", "says"),
    [
        ("exit 0", "exit 1", None, ""),
        ("echo broke; exit 3", "echo it is live; exit 0", None, "but it happened: it is live"),
        ("exit 3", "exit 1", Failed, "ended with 3, and it did not happen"),
        ("exit 3", "exit 2", ProviderError, "ended with 3: what became of it is not known"),
        ("exit 3", "kill -9 $$", ProviderError, "not known"),
        ("kill -9 $$", "exit 1", Failed, "ended by signal 9"),
        ("sleep 30", "exit 1", Failed, "took longer than 1.5 s"),
        ("sleep 30", "sleep 30", ProviderError, "not known"),
    ],
)
async def test_the_probe_says_what_a_bad_end_means(
    script: Script, environment: Entry, ends: str, finds: str, raises: type[Exception] | None, says: str
) -> None:
    """Its exit code 0: it happened; 1: it did not; anything else: nobody knows."""
    find = [script("find", finds), "{key}"]
    entry = environment(script("ship", ends), find=find, seconds=1.5 if "sleep" in ends else 20)
    if raises is None:
        assert says in (await ran(entry))[-1]
        return
    with pytest.raises(raises, match=says):
        await ran(entry)


async def test_without_a_probe_a_bad_end_is_not_known(script: Script, environment: Entry) -> None:
    """And with one that can't be started neither."""
    with pytest.raises(ProviderError, match="not known"):
        await ran(environment(script("ship", "exit 1")))
    with pytest.raises(ProviderError, match="not known"):
        await ran(environment(script("ship", "exit 1"), find=["/nowhere/find"]))


async def test_what_can_not_be_started_did_not_happen(environment: Entry) -> None:
    """That is certain."""
    with pytest.raises(Failed, match="ship could not be started: no such file"):
        await ran(environment("/nowhere/ship"))


async def test_cancelling_ends_the_whole_process_group(script: Script, environment: Entry, tmp_path: Path) -> None:
    """Asked first: it may tidy up."""
    path = script("ship", "trap 'echo tidy > tidied; exit 1' TERM; sleep 60 & echo $! > child; echo $$ > own; wait")
    task = asyncio.create_task(ran(environment(path)))
    pids = await eventually(lambda: pids_in(tmp_path, "own", "child"))

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (tmp_path / "tidied").exists()
    assert not any(lives(pid) for pid in pids)


async def test_one_that_does_not_listen_is_killed(
    script: Script, environment: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its children, which do not listen either."""
    monkeypatch.setattr(program, "GRACE", 0.2)
    path = script("ship", "trap '' TERM; (sleep 60) & echo $! > child; echo $$ > own; sleep 60; sleep 60")
    task = asyncio.create_task(ran(environment(path)))
    pids = await eventually(lambda: pids_in(tmp_path, "own", "child"))

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not any(lives(pid) for pid in pids)


async def test_cancelling_twice_kills_at_once(script: Script, environment: Entry, tmp_path: Path) -> None:
    """Nobody waits for the grace to pass."""
    path = script(
        "ship", "trap 'echo x > asked' TERM; (trap '' TERM; sleep 60) & echo $! > child; echo $$ > own; while :; do wait; done"
    )
    task = asyncio.create_task(ran(environment(path)))
    pids = await eventually(lambda: pids_in(tmp_path, "own", "child"))
    task.cancel()
    await eventually((tmp_path / "asked").exists)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await eventually(lambda: not any(lives(pid) for pid in pids))


async def test_closing_the_steps_ends_it(script: Script, environment: Entry, tmp_path: Path) -> None:
    """As whoever stops listening does."""
    path = script("ship", "echo $$ > own; sleep 60")
    async with open_command("prod", environment(path)) as made:
        assert isinstance(made.trigger, CommandTrigger)
        async with aclosing(made.trigger.run("shop", V2, "d1")) as steps:
            assert (await anext(steps)) == Step("ship runs")
            (pid,) = await eventually(lambda: pids_in(tmp_path, "own"))
        assert not lives(pid)


async def test_children_do_not_outlive_it(script: Script, environment: Entry, tmp_path: Path) -> None:
    """One that is left behind, and holds the output open, is ended too."""
    told = await ran(environment(script("ship", "sleep 60 & echo $! > child; echo done")))
    assert told[-1] == "done"
    assert not lives(int((tmp_path / "child").read_text()))


async def test_one_that_closes_its_output_is_still_waited_for(script: Script, environment: Entry, tmp_path: Path) -> None:
    """Its exit code counts."""
    with pytest.raises(ProviderError, match="ended with 7"):
        await ran(environment(script("ship", "exec >&- 2>&-; sleep 0.3; exit 7")))


async def test_versions_come_from_a_program(script: Script, environment: Entry) -> None:
    """Pinned to their digest; an unknown one is refused with the nearest."""
    versions = [script("versions", "printf 'v1 aaaa the first\\nv2 bbbb the second one\\n'"), "{app}"]
    current = [script("current", "echo v1 aaaa")]
    async with open_command("prod", environment("/bin/true", versions=versions, current=current)) as made:
        assert made.trigger is not None
        assert await made.trigger.pin("shop", "v2") == Version("v2", "bbbb", "bbbb", "the second one")
        with pytest.raises(UserError) as refused:
            await made.trigger.pin("shop", "v22")
        assert "v2" in refused.value.hint
        assert await made.trigger.current("shop") == Version("v1", "aaaa", "aaaa")
        with pytest.raises(UserError, match="no app"):
            await made.trigger.pin("shopp", "v1")


async def test_hostile_names_start_nothing(script: Script, environment: Entry, tmp_path: Path) -> None:
    """5,000 of them: refused before any program runs."""
    path = script("ship", "touch ran")
    async with open_command("prod", environment(path, find=[path])) as made:
        assert made.trigger is not None
        refused = 0
        for payload in payloads():
            if payload in ("shop", "v1", "v2", "shop-a-1") or (payload.isascii() and payload.isalnum() and len(payload) < 128):
                continue
            with pytest.raises(UserError):
                await made.trigger.pin(payload, "v1")
            try:
                await made.trigger.pin("shop", payload)
            except UserError:
                refused += 1
                with pytest.raises(UserError):
                    await anext(made.trigger.run("shop", Version(payload, "x"), "d1"))
                with pytest.raises(UserError):
                    await made.trigger.find("shop", payload)
            else:
                assert not set(payload) & set(" ;\n\0$`'\"\\{}*?<>|&")
                assert payload[0] not in "-./"
                assert ".." not in payload
    assert refused > 4000
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"run": ["ship"]},
        {"run": []},
        {"run": ["/bin/sh", "-c", "ship {version}"]},
        {"run": ["/bin/ship", "{colour}"]},
        {"environment": ["BELLBOARD_SEED"]},
        {"seconds": 0},
        {"apps": ["-rf"]},
        {"shell": True},
    ],
)
async def test_a_wrong_entry_is_refused_at_start(environment: Entry, wrong: dict[str, object]) -> None:
    """A placeholder within a longer argument among them: a shell could be behind it."""
    with pytest.raises((SettingsError, UserError)):
        async with open_command("prod", {**environment("/bin/true"), **wrong}):
            pass


RUNS = """
setsid sh -c 'echo $$ > "$1.pid"; exec sleep 60' x "$1" > /dev/null 2>&1 &
while [ ! -s "$1.pid" ]; do sleep 0.02; done
echo starting; echo 10.0.0.5:8080
"""


async def test_programs_start_and_stop_replicas(script: Script, tmp_path: Path) -> None:
    """The last line of the one that starts is the address; what it leaves running has left its group."""

    def make(name: str, text: str, *words: str) -> Program:
        return Program([script(name, text), *words], known=HOST_WORDS, cwd=tmp_path, seconds=20)

    hosts: Hosts = CommandHosts(
        make("versions", "echo v1 aaaa good", "{app}"),
        make("start", RUNS, "{name}", "{digest}"),
        make("stop", 'kill $(cat "$1.pid") 2>/dev/null; exit ${2:-0}', "{name}"),
        env="prod",
    )
    (version,) = await hosts.versions("shop")
    assert version == Version("v1", "aaaa", "aaaa", "good")
    assert await hosts.start("shop", version, "shop-a-1") == "10.0.0.5:8080"
    (pid,) = pids_in(tmp_path, "shop-a-1.pid")
    assert lives(pid)
    await hosts.stop("shop", "shop-a-1")
    await eventually(lambda: not lives(pid))
    for hostile in ("a b", "-x", "../x"):
        with pytest.raises(UserError):
            await hosts.start("shop", version, hostile)
    silent = CommandHosts(make("no", "exit 3"), make("mute", "exit 0"), make("no2", "exit 3"), env="prod")
    with pytest.raises(ProviderError, match="did not say where"):
        await silent.start("shop", version, "x")
    with pytest.raises(ProviderError, match="ended with 3"):
        await silent.stop("shop", "x")


def pids_in(folder: Path, *names: str) -> list[int]:
    """The process ids in these files; none until all are written."""
    texts = [(folder / name).read_text().strip() if (folder / name).exists() else "" for name in names]
    return [int(text) for text in texts] if all(texts) else []


def lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has buried yet does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
