"""Processes are kept alive, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bellboard.testing import eventually
from bellboard_cli import supervise
from bellboard_cli.runfile import alive
from bellboard_cli.spawn import Program
from bellboard_cli.supervise import Child, how_it_ended, trim

STAY = (sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)",
)

Make = Callable[..., Child]


class Said(list[str]):
    """What was said, in order."""

    def __call__(self, line: str) -> None:
        self.append(line)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def make(tmp_path: Path, said: Said) -> Make:
    """Makes a child that runs a command."""

    def one(*argv: str) -> Child:
        return Child(
            Program("sleeper", argv, dict(os.environ), tmp_path / "logs" / "sleeper.log"), say=said, changed=lambda: None
        )

    return one


def _pid(child: Child) -> int:
    assert child.pid is not None
    return child.pid


def _restarts(said: Said) -> int:
    return sum("is running again" in line for line in said)


async def test_a_child_that_is_told_to_restart_is_another_process(make: Make, said: Said) -> None:
    """It is killed, and started again like one that ended by itself."""
    child = make(*STAY)
    await child.start()
    first = _pid(child)

    child.restart()
    await eventually(lambda: _restarts(said) == 1)

    assert _pid(child) != first
    await child.stop(5)


async def test_a_child_that_is_killed_is_started_again_and_that_is_said(make: Make, said: Said) -> None:
    """The new process has another pid; both the end and the new start are told."""
    child = make(*STAY)
    await child.start()
    first = _pid(child)

    os.kill(first, signal.SIGKILL)
    await eventually(lambda: _restarts(said) == 1)

    assert _pid(child) != first
    assert said[0] == "sleeper stopped (SIGKILL); starting it again in 0.2 s"
    assert said[1] == f"sleeper is running again (pid {child.pid})"
    await child.stop(5)


async def test_each_new_start_waits_twice_as_long(make: Make, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off doubles up to its limit while the process does not stay well."""
    monkeypatch.setattr(supervise, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(supervise, "LONGEST_DELAY", 0.04)
    child = make(sys.executable, "-c", "raise SystemExit(78)")
    await child.start()

    await eventually(lambda: _restarts(said) == 4)
    await child.stop(5)

    waits = [line.rpartition(" in ")[2] for line in said if "starting it again" in line]
    assert waits[:4] == ["0.01 s", "0.02 s", "0.04 s", "0.04 s"]
    assert said[0].startswith("sleeper stopped (exit 78)")


async def test_a_wrong_setting_is_told_in_the_childs_own_words(make: Make, said: Said) -> None:
    """Exit 78 means that only a person can put it right, so the person hears what."""
    child = make("sh", "-c", "echo '{}'; echo 'sleeper: TEAM is missing'; echo '{}'; exit 78")
    await child.start()

    await eventually(lambda: _restarts(said) == 1)
    await child.stop(5)

    assert "sleeper says: sleeper: TEAM is missing" in said


async def test_what_nothing_goes_without_is_not_started_again_while_a_setting_is_wrong(make: Make, said: Said) -> None:
    """Only a person can put it right, so whoever starts everything is told once and starts nothing."""
    child = make("sh", "-c", "echo 'sleeper: TEAM is missing'; exit 78")
    child.vital = True
    await child.start()

    assert await eventually(lambda: child.wrong) == "sleeper: TEAM is missing"
    assert said == []
    assert child.pid is None
    await child.stop(5)


async def test_a_wrong_setting_is_never_well(make: Make, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a busy machine takes to find it out, the waits grow."""
    monkeypatch.setattr(supervise, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(supervise, "HEALTHY", 0.0)
    child = make("sh", "-c", "exit 78")
    await child.start()

    await eventually(lambda: _restarts(said) == 3)
    await child.stop(5)

    waits = [line.rpartition(" in ")[2] for line in said if "starting it again" in line]
    assert waits[:3] == ["0.01 s", "0.02 s", "0.04 s"]


async def test_the_wait_begins_anew_after_the_process_was_well(make: Make, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stayed up long enough is started again at once."""
    monkeypatch.setattr(supervise, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(supervise, "HEALTHY", 0.0)
    child = make(sys.executable, "-c", "")
    await child.start()

    await eventually(lambda: _restarts(said) == 3)
    await child.stop(5)

    assert {line.rpartition(" in ")[2] for line in said if "starting it again" in line} == {"0.01 s"}


async def test_a_child_stops_when_asked(make: Make, said: Said) -> None:
    """SIGTERM is enough for one that listens; nothing is started again."""
    child = make(*STAY)
    await child.start()
    pid = _pid(child)

    await child.stop(30)

    assert child.pid is None
    assert not alive(pid)
    assert said == []


async def test_a_child_that_does_not_listen_is_killed(make: Make, said: Said) -> None:
    """Patience ends."""
    child = make(*STUBBORN)
    await child.start()
    pid = _pid(child)
    await eventually(lambda: child.program.log.read_text() == "here\n")

    await child.stop(0.1)

    assert not alive(pid)
    assert said == ["sleeper did not stop within 0.1 s; killing it"]


async def test_a_child_that_waits_for_its_next_start_stops_at_once(make: Make, said: Said) -> None:
    """It is not started only to be stopped."""
    child = make(sys.executable, "-c", "raise SystemExit(1)")
    await child.start()
    await eventually(lambda: bool(said))

    await child.stop(5)

    assert child.pid is None


async def test_a_program_that_is_not_there_is_an_error_at_once(make: Make) -> None:
    """The first start tells; only later ones are tried again."""
    with pytest.raises(FileNotFoundError):
        await make("/nowhere/at/all").start()


async def test_children_die_with_their_supervisor_even_if_it_is_killed(tmp_path: Path) -> None:
    """kill -9 of the supervisor leaves nothing running."""
    script = f"""
import asyncio, os
from pathlib import Path
from bellboard_cli.spawn import Program
from bellboard_cli.supervise import Child

async def main():
    child = Child(Program("x", {STUBBORN!r}, dict(os.environ), Path({str(tmp_path / "x.log")!r})), say=print, changed=list)
    await child.start()
    print(child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert supervisor.stdout is not None
    pid = int(await supervisor.stdout.readline())
    await eventually(lambda: (tmp_path / "x.log").read_text() == "here\n")

    supervisor.kill()
    await supervisor.wait()

    await eventually(lambda: not alive(pid))


async def test_a_log_that_grew_large_is_put_aside_while_it_is_written(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer goes on at the new beginning; what was there is kept once."""
    monkeypatch.setattr(supervise, "LOG_LIMIT", 1000)
    program = "while True:\n    print(input.__name__ * 100, flush=True); import time; time.sleep(0.01)"
    child = make(sys.executable, "-c", program)
    log = child.program.log
    await child.start()
    await eventually(lambda: log.stat().st_size > 1000)

    trim(log)

    assert log.with_suffix(".log.1").stat().st_size > 1000
    await eventually(lambda: log.stat().st_size > 0 and log.read_bytes()[:1] == b"i")
    await child.stop(5)


def test_a_log_that_was_removed_or_finds_no_room_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks after logs looks after everything else, too: a full disk must not end it."""
    log = tmp_path / "x.log"
    trim(log)
    assert not log.exists()

    monkeypatch.setattr(supervise, "LOG_LIMIT", 1000)
    log.write_bytes(b"x" * 5000)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        trim(log)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in tmp_path.iterdir()] == ["x.log"]
    assert log.stat().st_size == 0


def test_exit_codes_are_told_in_words() -> None:
    """A signal has a name."""
    assert how_it_ended(0) == "exit 0"
    assert how_it_ended(-signal.SIGSEGV) == "SIGSEGV"
    assert how_it_ended(-250) == "signal 250"
