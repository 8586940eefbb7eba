"""What the decoder's process can no longer do. Each test is a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest


def limited(code: str) -> subprocess.CompletedProcess[str]:
    program = f"from bellboard_memes import decoder; import os, socket; decoder.limit(); {code}"
    return subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("socket.socket()", "Too many open files"),
        ("open('/etc/passwd')", "Too many open files"),
        ("open('/tmp/bellboard-decoder', 'w')", "Too many open files"),
        ("bytearray(600 * 2**20)", "MemoryError"),
    ],
)
def test_what_decoding_does_not_need_is_gone(code: str, error: str) -> None:
    """No socket, no file, no more memory."""
    ran = limited(code)

    assert ran.returncode == 1
    assert error in ran.stderr


def test_time_is_limited() -> None:
    """A loop that never ends is ended by the kernel."""
    ran = limited("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass")

    assert ran.returncode < 0
