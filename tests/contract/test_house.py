"""The house keeps its own rules."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bellboard_cli import protos

ROOT = Path(__file__).parents[2]
PACKAGES = sorted([ROOT / "kit", *(path.parent for path in ROOT.glob("services/*/pyproject.toml"))])
CODE = sorted(
    path
    for package in PACKAGES
    for path in package.rglob("*.py")
    if "_pb2" not in path.name and ".venv" not in path.parts and "build" not in path.parts
)
MODULE, FUNCTION, BOT, README = 400, 40, 120, 120
"""The most lines of a module, a function, a bot's bot.py, and the README."""

LONG_FOR_A_REASON: dict[str, str] = {}
"""Functions that may be longer, each with its reason."""


def _committed() -> list[Path]:
    """Every text file that is in the repository, or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file() and not name.endswith((".png", ".jpg", ".woff2"))]


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function of a module, with its length without docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1
            yield f"{path.relative_to(ROOT)}::{node.name}", lines


def test_the_readme_is_short() -> None:
    """Whoever comes by reads it to the end."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= README


def test_generated_code_is_fresh() -> None:
    """What the contracts say is what the code does."""
    assert list(protos.stale()) == []


def test_pins_agree_and_name_no_registry() -> None:
    """What is tested is what runs, from whatever index people have."""
    assert list(protos.loose_pins()) == []


def test_no_lock_file_is_kept() -> None:
    """They write registry addresses into the repository."""
    forbidden = {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "pdm.lock"}

    assert [path for path in _committed() if path.name in forbidden] == []


def test_no_file_names_a_registry() -> None:
    """Nor an index, nor a mirror."""
    registry = re.compile(r"https?://[^\s\"')>]*(?:pypi\.|pythonhosted\.|/simple/|registry\.npmjs|npmmirror|jsdelivr|unpkg)")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in _committed()
        if (match := registry.search(path.read_text("utf-8", "ignore")))
    ]

    assert found == []


def test_all_packages_have_one_version() -> None:
    """They are released together, and ask for each other by it."""
    projects = [tomllib.loads((package / "pyproject.toml").read_text())["project"] for package in PACKAGES]
    (version,) = {project["version"] for project in projects}

    for project in projects:
        for needed in project.get("dependencies", []):
            if needed.startswith("bellboard"):
                assert needed.endswith(f"=={version}"), f"{project['name']} wants {needed}"


def test_every_dependency_is_pinned() -> None:
    """A package may not want what the requirement files do not install."""
    pinned = {
        name.lower().replace("_", "-")
        for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements/run.txt").read_text(), re.M)
    }
    wanted = {
        re.split(r"[\[<>=~!; ]", needed)[0].lower().replace("_", "-")
        for package in PACKAGES
        for needed in tomllib.loads((package / "pyproject.toml").read_text())["project"].get("dependencies", [])
    }

    assert {name for name in wanted if not name.startswith("bellboard")} <= pinned


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_are_short(path: Path) -> None:
    """Each is read in one sitting."""
    most = BOT if path.name == "bot.py" and path.parts[-4] == "services" else MODULE
    long = [f"{name}: {lines}" for name, lines in _functions(path) if lines > FUNCTION and name not in LONG_FOR_A_REASON]

    assert len(path.read_text().splitlines()) <= most
    assert long == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    """Its first line is a sentence; nothing that is missing is waited for with `pass`."""
    tree = ast.parse(path.read_text())

    assert not tree.body or ast.get_docstring(tree)
    for handler in ast.walk(tree):
        if isinstance(handler, ast.ExceptHandler):
            assert not all(isinstance(statement, ast.Pass) for statement in handler.body), f"line {handler.lineno}"


def test_every_make_target_is_explained() -> None:
    """`make help` is complete."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.M)) - {"servers"}
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert {"help", "setup", "run", "test", "check", "fmt", "proto", "bench", "chaos", "new-bot"} <= targets
    assert targets == set(re.findall(r"^  make (\S+)", shown, re.M))


def test_an_old_python_is_told_in_one_line(tmp_path: Path) -> None:
    """What to do is in it, with the target that was asked for."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    done = subprocess.run(
        ["make", "-s", "run", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},  # it is no part of `make test`
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    told = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
    assert len(told) == 1
    assert "Python 3.11 or newer" in told[0]
    assert "PYTHON=" in told[0]
