"""A Kubernetes without containers for tests, built from its sources: once per version, into ``.cache/cluster/``.

One program holds etcd, the API server, the controllers, the scheduler, and kwok, which plays the nodes. Run as a program it
builds that unless it is there, and says where it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "cluster"
SOURCES = Path(__file__).with_name("server")
VERSION = "k8s.io/component-base/version"


class CannotBuild(Exception):
    """Why there is no program: one line, for people."""


def program() -> Path:
    """Where the program of these sources is, or will be."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.read_bytes())
    return CACHE / digest.hexdigest()[:16] / "kubernetes"


def build() -> Path:
    """Build the program unless it is there. Whoever comes first builds it; others wait.

    Raises:
        CannotBuild: there is no Go, or it failed.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program().exists():
            _compile()
    return program()


def _compile() -> None:
    go = shutil.which("go")
    if go is None:
        raise CannotBuild("A Kubernetes for tests is built with Go 1.26 or newer, which is not here. Or name one: KUBECONFIG=…")
    print("Building a Kubernetes for tests, once. With two cores it takes a quarter of an hour.", file=sys.stderr)
    unfinished = program().with_suffix(".new")
    unfinished.parent.mkdir(exist_ok=True)
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {_told_version()}", "-o", str(unfinished), "."]
    if subprocess.run(command, cwd=SOURCES, check=False).returncode:
        raise CannotBuild("Kubernetes for tests can't be built: see above")
    unfinished.rename(program())
    for old in CACHE.glob("*/"):
        if old != program().parent:
            shutil.rmtree(old)


def _told_version() -> str:
    """Kubernetes says the version that it was told by its linker, and takes features from it."""
    match = re.search(r"^\tk8s\.io/kubernetes (v(\d+)\.(\d+)\.\S+)$", (SOURCES / "go.mod").read_text(), re.M)
    assert match is not None
    said = {"gitVersion": match[1], "gitMajor": match[2], "gitMinor": match[3]}
    return " ".join(f"-X {VERSION}.{name}={value}" for name, value in said.items())


if __name__ == "__main__":
    try:
        print("KUBECONFIG names one" if os.environ.get("KUBECONFIG") else build())
    except CannotBuild as error:
        sys.exit(str(error))
