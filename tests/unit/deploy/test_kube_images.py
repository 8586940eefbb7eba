"""Images: from a version to what runs, and from what runs to a version."""

from __future__ import annotations

import pytest

from bellboard import ProviderError, SettingsError, UserError
from bellboard_deploy.kubernetes.images import Images
from bellboard_deploy.kubernetes.versions import Catalogue, remember, remembered
from bellboard_deploy.model import Version

DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
SHOP = Images("registry.example.org:5000/acme/shop:{version}")
PINNED = f"registry.example.org:5000/acme/shop:v2@{DIGEST}"


def test_a_version_is_pinned_to_its_digest() -> None:
    """Its tag stands there for people; what it means cannot change any more."""
    assert SHOP.pinned(Version("v2", DIGEST)) == PINNED
    assert SHOP.read(PINNED) == Version("v2", DIGEST)
    assert SHOP.read(SHOP.tagged("v2")) == Version("v2", "")


def test_a_digest_is_a_version() -> None:
    """For those who have one."""
    image = SHOP.pinned(Version(DIGEST, DIGEST))
    assert image == f"registry.example.org:5000/acme/shop@{DIGEST}"
    assert SHOP.read(image) == Version(DIGEST, DIGEST)


def test_the_node_tells_what_a_tag_meant() -> None:
    """Where somebody else deployed it by its tag alone."""
    assert SHOP.read(SHOP.tagged("v1"), f"registry.example.org:5000/acme/shop@{OTHER}") == Version("v1", OTHER)


def test_more_than_the_version_may_be_in_a_tag() -> None:
    """It is not part of what people type."""
    images = Images("shop:release-{version}-slim")
    assert images.tagged("2.1") == "shop:release-2.1-slim"
    assert images.read(f"shop:release-2.1-slim@{DIGEST}") == Version("2.1", DIGEST)


def test_something_else_that_runs_is_called_by_its_image() -> None:
    """It is no version of the app, but it can be gone back to."""
    assert SHOP.read("nginx:1.29") == Version("nginx:1.29", "")
    assert SHOP.read("registry.example.org:5000/acme/shop") == Version("registry.example.org:5000/acme/shop", "")


@pytest.mark.parametrize(
    "template", ["", "shop", "shop:v1", "shop:{version}:x", "{version}", "shop-{version}:v1", "shop:{app}"]
)
def test_a_template_without_a_version_as_its_tag_is_refused(template: str) -> None:
    """At start."""
    with pytest.raises(SettingsError):
        Images(template)


@pytest.mark.parametrize("word", ["", "v2 ", "-v2", "v2@sha256:1", "a/b", "v" * 129, "{version}", "v2\n", "../v2", "v2;x"])
def test_what_can_be_no_tag_is_no_version(word: str) -> None:
    """Nothing is asked of anybody for it."""
    with pytest.raises(UserError):
        SHOP.tagged(word)


def test_what_was_started_last_is_remembered_last() -> None:
    """By that the new version is told from the old one."""
    known = {"v1": "shop:v1", "v2": "shop:v2"}
    assert list(remembered(remember(known, ("v2", "shop:v2"), ("v1", f"shop:v1@{DIGEST}"))).items()) == [
        ("v2", "shop:v2"),
        ("v1", f"shop:v1@{DIGEST}"),
    ]
    assert len(remembered(remember({f"v{n}": "x" for n in range(40)}, ("a", "b")))) == 20
    assert remembered({"bellboard/versions": "[1]"}) == {}


async def test_without_programs_only_what_ran_here_and_digests_are_versions() -> None:
    """And only if it is known exactly what it was."""
    catalogue, known = Catalogue(None, None, "prod"), {"v1": "shop:v1", "v2": f"shop:v2@{DIGEST}"}
    images = Images("shop:{version}")

    assert await catalogue.pin("shop", "v2", known, images) == Version("v2", DIGEST)
    assert await catalogue.pin("shop", OTHER, known, images) == Version(OTHER, OTHER)
    with pytest.raises(UserError) as refused:
        await catalogue.pin("shop", "v22", known, images)
    assert "v2" in refused.value.hint
    with pytest.raises((UserError, ProviderError)):
        await catalogue.pin("shop", "v1", known, images)
