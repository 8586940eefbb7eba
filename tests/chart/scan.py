"""The chart's manifests under checkov. Each finding is put right, or has an answer in docs/operate/hardening.md.

``python -m tests.chart.scan`` installs it once, under ``.cache``, and says what has no answer.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import subprocess
import sys
import venv
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chart.render import CI, text
from tests.chart.tools import CACHE, ROOT

PINS = ROOT / "requirements/scan.txt"
ANSWERS = ROOT / "docs/operate/hardening.md"


def answered() -> set[str]:
    """The checks whose findings the page answers."""
    return set(re.findall(r"`(CKV2?_K8S_\d+)`", ANSWERS.read_text()))


def findings() -> dict[str, set[str]]:
    """What each check found, over all files of values: objects by the check's id and name."""
    found = defaultdict(set)
    with TemporaryDirectory(prefix="bellboard-scan-") as folder:
        for values in CI:
            (Path(folder) / f"{values.stem}.yaml").write_text(text(values))
        options = ["--framework", "kubernetes", "--skip-download", "--compact", "--quiet", "--output", "json"]
        command = [str(_checkov()), "--directory", folder, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        raise RuntimeError(done.stderr)
    for one in json.loads(done.stdout)["results"]["failed_checks"]:
        found[f"{one['check_id']} {one['check_name']}"].add(one["resource"])
    return found


def _checkov() -> Path:
    """The program, in a folder of its own. Whoever comes first installs it."""
    CACHE.mkdir(exist_ok=True)
    there = CACHE / f"checkov-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]}"
    with (CACHE / "checkov.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (there / "made").exists():
            venv.create(there, with_pip=True, clear=True)
            pip = [str(there / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
            subprocess.run([*pip, "install", "--require-hashes", "-r", str(PINS)], check=True)
            (there / "made").touch()
    return there / "bin/checkov"


def main() -> int:
    """Print what has no answer; 1 if there is anything."""
    known, status = answered(), 0
    for check, objects in sorted(findings().items()):
        mark = "answered" if check.split()[0] in known else "NO ANSWER"
        status |= mark == "NO ANSWER"
        print(f"{mark}: {check}: {len(objects)}, such as {sorted(objects)[0]}")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
