"""What there is in the sandbox."""

from __future__ import annotations

from dataclasses import replace

from bellboard_sandbox.catalog import SHOP


def test_a_digest_tells_versions_apart() -> None:
    """And every change of one."""
    digests = {version.digest for version in SHOP.versions.values()}

    assert len(digests) == len(SHOP.versions)
    assert replace(SHOP.versions["v1"], fails=0.1).digest not in digests
    assert replace(SHOP.versions["v1"]).digest == SHOP.versions["v1"].digest
