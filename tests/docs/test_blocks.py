"""Every block in README and docs runs, or says why it can't."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cedarpy
import pytest
import yaml

from tests.docs.pages import PAGES, ROOT, Block, blocks, commands, fits
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

BLOCKS = [block for page in PAGES for block in blocks(page)]
RUN = [block for block in BLOCKS if block.mark not in ("skip", "file")]
LANGUAGES = {"console", "sh", "python", "yaml", "json", "text", "proto", "cedar"}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A mesh as a reader has it: our own bots, and nothing else."""
    mesh = Mesh(tmp_path_factory.mktemp("docs") / "data", practice=False)
    try:
        mesh.start()
        yield mesh
    finally:
        mesh.stop()


def _run(mesh: Mesh, command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", "-c", command],
        cwd=folder,
        env=mesh.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("block", [block for block in RUN if block.language in ("console", "sh")], ids=str)
def test_console_blocks_say_what_the_page_shows(mesh: Mesh, tmp_path: Path, block: Block) -> None:
    """The output fits, and the exit code is 0 unless the page says otherwise."""
    if block.language == "sh":
        done = _run(mesh, f"set -e\n{block.code}", tmp_path)
        assert done.returncode == int(block.what or 0), done.stderr
        return
    said = [(_run(mesh, command, tmp_path), shown) for command, shown in commands(block)]
    for done, shown in said:
        output = done.stdout or done.stderr
        # A program is told of each state on a line of its own; the page shows the last.
        assert fits(shown, output) or fits(shown, output.strip().splitlines()[-1]), output
    assert said[-1][0].returncode == int(block.what or 0), said[-1][0].stderr


@pytest.mark.parametrize("block", [block for block in RUN if block.language == "python"], ids=str)
def test_python_blocks_run(mesh: Mesh, tmp_path: Path, block: Block) -> None:
    """In a folder of their own, with `bell` at hand; warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.code],
        cwd=tmp_path,
        env=mesh.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", [block for block in RUN if block.language in ("yaml", "json")], ids=str)
def test_data_blocks_can_be_read(block: Block) -> None:
    """They are what they say."""
    assert yaml.safe_load(block.code) if block.language == "yaml" else json.loads(block.code)


@pytest.mark.parametrize("block", [block for block in RUN if block.language == "cedar"], ids=str)
def test_rules_can_be_read(block: Block) -> None:
    """They are Cedar."""
    assert cedarpy.policies_to_json_str(block.code)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.mark == "file"], ids=str)
def test_quoted_code_is_what_stands_in_its_file(block: Block) -> None:
    """Word for word."""
    assert block.code in (ROOT / block.what).read_text(), f"{block} has drifted from {block.what}"


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_no_block_is_of_a_kind_that_is_not_tested(block: Block) -> None:
    """A contract is quoted from a file; text is for pictures; a skip has a reason."""
    assert block.language in LANGUAGES
    assert block.language != "proto" or block.mark in ("file", "skip")
    assert block.mark != "skip" or len(block.what) > 20
