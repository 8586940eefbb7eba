"""`bell up` as a process, and `bell` against it, as a person at a terminal has them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bellboard.testing.servers import ends_with_us
from bellboard_cli.runfile import RunFile, alive

ROOT = Path(__file__).parents[2]
PRACTICE = ROOT / "tests" / "bots" / "practice"
BELL = (sys.executable, "-m", "bellboard_cli")
START = 90.0
"""Seconds that a busy machine may take for starting everything."""

SLOW = 60.0
"""Seconds that it may take for starting `bell` itself."""


@dataclass(frozen=True, slots=True)
class Said:
    """What `bell say` answered: its exit code, the objects of ``--json``, and both outputs."""

    exit: int
    cards: list[dict[str, Any]]
    out: str
    err: str

    @property
    def last(self) -> dict[str, Any]:
        """The last word on it."""
        assert self.cards, self.err
        return self.cards[-1]

    @property
    def text(self) -> str:
        """All that the last word says."""
        return json.dumps(self.last["blocks"], ensure_ascii=False)


@dataclass
class Mesh:
    """A mesh in a folder of its own, with the practice bot enrolled, whose effects stand in ``effects``."""

    data: Path
    practice: bool = True
    more: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def effects(self) -> Path:
        """The file to which the practice bot writes, outside Bellboard."""
        return self.data.parent / f"{self.data.name}-effects"

    @property
    def env(self) -> dict[str, str]:
        """The environment in which `bell` runs."""
        path = os.pathsep.join(filter(None, [str(PRACTICE), os.environ.get("PYTHONPATH", "")]))
        scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": scripts, "PYTHONPATH": path, "BELLBOARD_PRACTICE_FILE": str(self.effects), "NO_COLOR": "1"}
        return {**os.environ, **own, "BELLBOARD_DATA": str(self.data), **self.more}

    @property
    def run_file(self) -> RunFile:
        """What run.json says now."""
        return RunFile.read(self.data)

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.run_file.url

    def bell(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `bell` on this mesh."""
        return subprocess.run(
            [*BELL, *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def say(self, line: str, *options: str, timeout: float = 40) -> Said:
        """Say a line, and wait for the end of it."""
        done = self.bell("say", "--json", f"--timeout={timeout}", *options, line, timeout=timeout + SLOW)
        return Said(done.returncode, [json.loads(text) for text in done.stdout.splitlines()], done.stdout, done.stderr)

    def background(self, *arguments: str) -> subprocess.Popen[str]:
        """Run `bell` on this mesh, and do not wait for it."""
        return subprocess.Popen(
            [*BELL, *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def wait_for_state(saying: subprocess.Popen[str], *states: str, words: str = "") -> dict[str, Any]:
        """The card of a `bell say --json` that runs, when it stands in one of these states, and these words are on it."""
        assert saying.stdout is not None
        for line in saying.stdout:
            card: dict[str, Any] = json.loads(line)
            if card["state"] in states and words in line:
                return card
        raise AssertionError(f"it never was {states}")

    def start(self, *options: str) -> None:
        """Enrol the practice bot, start everything, and return when it is ready."""
        if self.practice and not (self.data / "enrolled.yaml").exists():
            done = self.bell("bot", "enrol", "practice", "--module", "bellboard_practice", "--open")
            assert done.returncode == 0, done.stderr
        self.launch(*options)
        self.wait_for("ready ")

    def launch(self, *options: str) -> None:
        """Start `bell up`, and listen to it from now on."""
        self.lines = []
        self.process = subprocess.Popen(
            ends_with_us(*BELL, "up", *(options or ("--port", "0"))),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(self.process, self.lines), daemon=True).start()

    @staticmethod
    def _listen(process: subprocess.Popen[str], lines: list[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            lines.extend(line.rstrip("\n") for line in process.stdout)

    def wait_for(self, words: str, timeout: float = START) -> str:
        """The first line that begins with these words."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if line.startswith(words):
                    return line
            assert self.process is not None
            assert self.process.poll() is None, self.lines
            time.sleep(0.02)
        raise AssertionError(f"no line {words!r} in {self.lines}; {self.logs()}")

    def logs(self) -> str:
        """The ends of all logs, for a test that fails."""
        return "\n".join(f"--- {log.name}\n{log.read_text()[-1500:]}" for log in sorted(self.data.glob("logs/*.log")))

    def pid(self, name: str) -> int:
        """The process id of one process."""
        found = self.run_file.pid(name)
        assert found is not None, f"{name} is down"
        return found

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Signal one process; its pid."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def stop(self, number: signal.Signals = signal.SIGTERM, patience: float = 50) -> int:
        """End it; the exit code. Nothing may be left running."""
        if self.process is None:
            return 0
        pids = [entry["pid"] for entry in self.run_file.processes] if (self.data / "run.json").exists() else []
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        left = [pid for pid in pids if alive(pid)]
        assert not left, f"left running: {left}"
        return code
