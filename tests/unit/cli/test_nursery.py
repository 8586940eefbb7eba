"""The nursery: services are forked, live as if started by themselves, and leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bellboard.testing import eventually
from bellboard_cli.runfile import alive
from bellboard_cli.spawn import Nursery, Process, Program, can_fork
from bellboard_cli.supervise import Child

pytestmark = pytest.mark.skipif(not can_fork(), reason="forking from a nursery takes Linux")

SERVICE = """
import json, os, sys, time
print(json.dumps({"env": os.environ.get("COLOUR"), "main": __name__, "argv": sys.argv, "group": os.getpgrp() == os.getpid(),
    "files": sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:4], "imported": "nats" in sys.modules}), flush=True)
if code := os.environ.get("CODE"):
    sys.exit(int(code))
time.sleep(600)
"""


class Place:
    """A nursery that is kept alive, and a folder of modules."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.nursery, self.said = folder, Nursery(), list[str]()
        (folder / "service_of_tests.py").write_text(SERVICE)
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        argv = (sys.executable, "-m", "bellboard_cli.nursery")
        program = Program("nursery", argv, {**os.environ, "PYTHONPATH": path}, folder / "nursery.log")
        self.child = Child(program, say=self.said.append, changed=lambda: None, spawn=self.nursery.open)

    def program(self, module: str = "service_of_tests", **env: str) -> Program:
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path, **env}
        return Program("service", (sys.executable, "-m", module), environment, self.folder / "service.log", module)

    async def told(self) -> dict[str, object]:
        """What the service said of itself."""
        log = self.folder / "service.log"
        await eventually(lambda: log.exists() and log.read_text().endswith("}\n"), 20)
        said: dict[str, object] = json.loads(log.read_text().splitlines()[-1])
        return said


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(tmp_path)
    await place.child.start()
    yield place
    await place.child.stop(5)
    await asyncio.sleep(0)


async def _end(process: Process) -> int:
    process.send_signal(signal.SIGKILL)
    return await process.wait()


async def test_a_forked_service_is_as_if_it_was_started_by_itself(place: Place) -> None:
    """Its own environment, log, session and name; no file of the nursery's; and the imports are there already."""
    process = await place.nursery.fork(place.program(COLOUR="blue"))
    told = await place.told()

    assert (told["env"], told["main"], told["group"], told["imported"]) == ("blue", "__main__", True, True)
    assert told["files"] == [0, 1, 2, 3]  # the last one is the folder that it lists
    assert Path(f"/proc/{process.pid}/comm").read_text() == "service\n"
    assert Path(f"/proc/{process.pid}/stat").read_text().split()[3] == str(place.child.pid)
    assert await _end(process) == -signal.SIGKILL


async def test_its_exit_code_is_told(place: Place) -> None:
    """As of any other child."""
    process = await place.nursery.fork(place.program(CODE="78"))

    assert await process.wait() == 78
    with pytest.raises(ProcessLookupError):
        process.send_signal(signal.SIGTERM)


async def test_the_nursery_is_one_thread(place: Place) -> None:
    """So that nothing is lost or locked in what is forked."""
    await _end(await place.nursery.fork(place.program()))

    assert len(list(Path(f"/proc/{place.child.pid}/task").iterdir())) == 1


async def test_a_signal_to_every_process_leaves_services_the_time_to_end(place: Place) -> None:
    """As `systemctl stop` sends it: the nursery outlasts its children, and then ends when it is told to."""
    process = await place.nursery.fork(place.program())
    await place.told()
    first = place.child.pid
    assert first is not None

    os.kill(first, signal.SIGTERM)
    second = await place.nursery.fork(place.program())

    assert alive(process.pid)
    assert place.child.pid == first
    second.send_signal(signal.SIGTERM)
    assert await second.wait() == -signal.SIGTERM
    assert await _end(process) == -signal.SIGKILL
    await place.child.stop(30)
    assert place.said == []


async def test_what_was_forked_ends_with_the_nursery_and_the_next_one_forks_it_again(place: Place) -> None:
    """kill -9 of the nursery; whoever asks meanwhile waits for the next one."""
    first = place.child.pid
    assert first is not None
    process = await place.nursery.fork(place.program())
    await place.told()

    os.kill(first, signal.SIGKILL)

    assert await process.wait() == -signal.SIGKILL
    assert not alive(process.pid)
    await eventually(lambda: place.child.pid not in (None, first))
    again = await place.nursery.fork(place.program())
    assert Path(f"/proc/{again.pid}/stat").read_text().split()[3] == str(place.child.pid)
    await _end(again)


async def test_without_a_nursery_a_service_is_started_by_itself(place: Place) -> None:
    """It takes longer, and is the same."""
    await place.child.stop(5)

    process = await place.nursery.fork(place.program())

    assert (await place.told())["imported"] is False
    assert await _end(process) == -signal.SIGKILL


async def test_what_was_installed_since_is_found(place: Place) -> None:
    """A module that the nursery's paths do not hold is run by a new interpreter, in the same process."""
    elsewhere = place.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "newcomer_of_tests.py").write_text(SERVICE)

    process = await place.nursery.fork(place.program("newcomer_of_tests", PYTHONPATH=str(elsewhere)))

    assert (await place.told())["imported"] is False
    assert await _end(process) == -signal.SIGKILL
