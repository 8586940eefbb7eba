"""Lines on stdout never hold `bell up` up."""

from __future__ import annotations

import subprocess
import sys

from bellboard.testing import eventually

TALK = """
import sys
from bellboard_cli.speaker import Speaker
say = Speaker(limit=10)
for number in range({lines}):
    say("x" * 1000)
print("went on", file=sys.stderr, flush=True)
say.close(patience={patience})
"""


def _talk(lines: int, patience: float) -> subprocess.Popen[str]:
    program = TALK.format(lines=lines, patience=patience)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_lines_are_printed_in_order_before_the_end() -> None:
    """Closing waits for them."""
    out, err = _talk(5, patience=10).communicate(timeout=30)

    assert out.splitlines() == ["x" * 1000] * 5
    assert err == "went on\n"


async def test_where_nobody_reads_lines_are_dropped() -> None:
    """A pipe that is full for ever does not stop us."""
    with _talk(5000, patience=0.1) as talking:
        await eventually(lambda: talking.poll() == 0, 30)


def test_where_the_reader_has_gone_nothing_breaks() -> None:
    """`bell up | head -1`."""
    with _talk(50, patience=10) as talking:
        assert talking.stdout is not None
        assert talking.stderr is not None
        talking.stdout.close()

        assert talking.wait(30) == 0
        assert talking.stderr.read() == "went on\n"
