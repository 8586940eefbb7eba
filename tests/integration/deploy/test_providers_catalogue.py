"""Versions of images, as real programs tell them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bellboard import ProviderError, UserError
from bellboard_deploy.argv.program import Program
from bellboard_deploy.kubernetes.images import Images
from bellboard_deploy.kubernetes.versions import WORDS, Catalogue
from bellboard_deploy.model import Version

IMAGES = Images("registry.example.org/shop:{version}")
DIGEST, RAN = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
KNOWN = {"v1": f"registry.example.org/shop:v1@{RAN}"}

REGISTRY = f"""#!/bin/sh
case "$1" in
  registry.example.org/shop:v2) echo "some warning"; echo {DIGEST} ;;
  registry.example.org/shop:odd) echo latest ;;
  *) echo "MANIFEST_UNKNOWN: $1" >&2; exit 1 ;;
esac
"""


def program(folder: Path, text: str, *words: str) -> Program:
    """A script and what it is called with."""
    path = folder / "program"
    path.write_text(text)
    path.chmod(0o755)
    return Program([str(path), *words], known=WORDS, cwd=folder, seconds=20.0)


async def test_a_registry_tells_the_digest_of_an_image(tmp_path: Path) -> None:
    """By its last line; the version goes along as the image's tag and can be nothing else."""
    catalogue = Catalogue(program(tmp_path, REGISTRY, "{image}"), None, "prod")

    assert await catalogue.pin("shop", "v2", {}, IMAGES) == Version("v2", DIGEST)
    for version in ("odd", "v3"):
        with pytest.raises(ProviderError):
            await catalogue.pin("shop", version, {}, IMAGES)
    with pytest.raises(UserError, match="can't be a version"):
        await catalogue.pin("shop", "v2 --insecure", {}, IMAGES)


async def test_what_ran_here_can_be_gone_back_to_while_the_registry_is_away(tmp_path: Path) -> None:
    """By exactly the image that it was."""
    catalogue = Catalogue(program(tmp_path, REGISTRY, "{image}"), None, "prod")
    assert await catalogue.pin("shop", "v1", KNOWN, IMAGES) == Version("v1", RAN)


async def test_a_list_says_what_there_is_and_what_each_is(tmp_path: Path) -> None:
    """A name that is not in it is refused, with the nearest that is; but what ran here can be gone back to."""
    catalogue = Catalogue(None, program(tmp_path, f"#!/bin/sh\necho v2 {DIGEST} faster carts\n"), "prod")

    assert await catalogue.pin("shop", "v2", KNOWN, IMAGES) == Version("v2", DIGEST, "", "faster carts")
    assert await catalogue.pin("shop", "v1", KNOWN, IMAGES) == Version("v1", RAN)
    with pytest.raises(UserError) as refused:
        await catalogue.pin("shop", "v22", KNOWN, IMAGES)
    assert "v2" in refused.value.hint
