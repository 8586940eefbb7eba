"""Generates code from the contracts, and proves that what is committed is fresh: `make proto`, `make check`."""

from __future__ import annotations

import filecmp
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[3]
"""The checkout."""

_SERVED = "bellboard/api/gateway/v1/gateway.proto"
"""The one contract that is called over gRPC by stubs; bots are called by descriptors."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of contracts, and the folder in which its code is committed."""

    protos: Path
    code: Path

    def files(self) -> list[str]:
        """Its contracts, relative to it."""
        return sorted(str(path.relative_to(self.protos)) for path in self.protos.rglob("*.proto"))


ROOTS = (Root(HOUSE / "proto", HOUSE / "kit"), Root(HOUSE / "tests/bots/practice", HOUSE / "tests/bots/practice"))


def generate(root: Root, into: Path) -> None:
    """Generate code for every contract of ``root``. Raises CalledProcessError."""
    plugins = [f"--plugin={name}={_tool(name)}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    include = [f"-I{root.protos}", f"-I{HOUSE / 'proto'}"]
    protoc = [sys.executable, "-m", "grpc_tools.protoc", *include, *plugins]
    files = root.files()
    _run(*protoc, f"--python_out={into}", f"--mypy_out=quiet:{into}", *files)
    if _SERVED in files:
        _run(*protoc, f"--grpc_python_out={into}", f"--mypy_grpc_out=quiet:{into}", _SERVED)


def stale() -> Iterator[str]:
    """Every committed file that differs from what would be generated now, or is not there, or should not be."""
    for root in ROOTS:
        with tempfile.TemporaryDirectory() as folder:
            generate(root, Path(folder))
            fresh = _generated(Path(folder))
            for name in sorted(fresh | _generated(root.code)):
                made, kept = Path(folder, name), root.code / name
                if not (made.exists() and kept.exists() and filecmp.cmp(made, kept, shallow=False)):
                    yield str(kept.relative_to(HOUSE))


def loose_pins() -> Iterator[str]:
    """What is wrong with the requirement files: versions that differ, or a registry's address."""
    pins = {name: _pins(HOUSE / "requirements" / f"{name}.txt") for name in ("build", "run", "dev")}
    for name, version in pins["run"].items():
        if pins["dev"].get(name) != version:
            yield f"requirements/dev.txt holds {name} {pins['dev'].get(name)}, run.txt {version}; say: make pins"
    for name, version in pins["build"].items():
        if pins["dev"].get(name, version) != version:
            yield f"requirements/dev.txt holds {name} {pins['dev'][name]}, build.txt {version}; say: make pins"
    for path in sorted((HOUSE / "requirements").iterdir()):
        if re.search(r"https?://|--(extra-)?index-url|--find-links", path.read_text()):
            yield f"{path.relative_to(HOUSE)} names a registry; people install from whatever index they have"


def main(arguments: list[str]) -> int:
    """``check`` proves freshness; without arguments the code is generated."""
    if arguments == ["check"]:
        return _check()
    for root in ROOTS:
        for name in _generated(root.code):
            (root.code / name).unlink()
        generate(root, root.code)
    return 0


def _check() -> int:
    wrong = [f"{name} is stale; say: make proto" for name in stale()]
    wrong += loose_pins()
    for line in wrong:
        print(line, file=sys.stderr)
    buf = _tool("buf")
    codes = [_code(buf, "lint"), _code(buf, "format", "--diff", "--exit-code")]
    if against := _base():
        codes.append(_code(buf, "breaking", "--against", f".git#{against}"))
    return int(bool(wrong) or any(codes))


def _base() -> str | None:
    """What contracts may not break: main, or on main itself the commit before; None in a checkout without either."""
    head = _git("rev-parse", "HEAD")
    for reference in ("origin/main", "main"):
        if (commit := _git("rev-parse", "--verify", "-q", reference)) and commit != head:
            return f"ref={commit}"
    before = _git("rev-parse", "--verify", "-q", "HEAD~1")
    return f"ref={before}" if before else None


def _git(*arguments: str) -> str:
    if shutil.which("git") is None:
        return ""
    return subprocess.run(["git", *arguments], cwd=HOUSE, capture_output=True, text=True, check=False).stdout.strip()


def _generated(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*_pb2*.py*") if path.suffix in {".py", ".pyi"}}


def _pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", path.read_text(), re.MULTILINE))


def _tool(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts"), name))


def _run(*command: str) -> None:
    subprocess.run(command, cwd=HOUSE, check=True)


def _code(*command: str) -> int:
    return subprocess.run(command, cwd=HOUSE, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
