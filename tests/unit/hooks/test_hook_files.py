"""The file of webhooks: read strictly, so that no typing error opens or closes a door, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bellboard.errors import SettingsError
from bellboard.hooks import files, mac, read, signed

SECRET = "a-secret-of-some-length"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file will be."""
    return tmp_path / "hooks.yaml"


def test_a_hook_says_whose_it_is_and_how_it_is_proven(file: Path) -> None:
    """With the format `generic` unless it says another."""
    file.write_text(f"hooks: {{ci: {{bot: oncall, auth: hmac, secret: {SECRET}}}}}")
    hook = read(file)["ci"]
    assert (hook.bot, hook.auth, hook.format, hook.secret) == ("oncall", "hmac", "generic", (SECRET,))
    assert SECRET not in repr(hook)


def test_two_names_of_one_entry_are_refused(file: Path) -> None:
    """Its secret, which stands elsewhere, is that of both."""
    (file.parent / "ci").write_text(SECRET)
    file.write_text("hooks: {a: &one {bot: oncall, auth: hmac, secret_file: ci}, b: *one}")
    with pytest.raises(SettingsError, match="a and b have the same secret"):
        read(file)


@pytest.mark.parametrize("text", ["", "# nothing yet", "hooks: {}"])
def test_there_may_be_none(file: Path, text: str) -> None:
    """Nor a file."""
    assert not read(file)
    file.write_text(text)
    assert not read(file)


def test_a_secret_may_stand_in_a_file_of_its_own(file: Path) -> None:
    """Beside the file or anywhere; a line each while one takes another's place. It is watched, too."""
    own = file.with_name("ci.secret")
    own.write_text(f"{SECRET}\n{SECRET}-old\n")
    file.write_text(f"hooks: {{ci: {{bot: oncall, auth: hmac, secret_file: {own.name}}}}}")
    assert read(file)["ci"].secret == (SECRET, f"{SECRET}-old")
    assert files(file) == [file, own]
    own.unlink()
    with pytest.raises(SettingsError, match=r"ci.secret can't be read"):
        read(file)
    file.write_text("hooks: [")
    assert files(file) == [file]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hooks: [", "is no YAML at line 1"),
        ("- hooks", "valid dictionary"),
        ("hook: {}", "extra"),
        ("hooks: {ci: {bot: oncall, auth: hmac}}", "hooks.ci.secret: field required"),
        ("hooks: {ci: {bot: oncall, auth: hmac, secret: Short-and-Sweet}}", "hooks.ci.secret"),
        (f"hooks: {{ci: {{bot: oncall, auth: hmac, secret: [{SECRET}, 'with a /, and spaces in it']}}}}", "hooks.ci.secret"),
        ("hooks: {ci: {bot: oncall, auth: hmac, secret: []}}", "hooks.ci.secret"),
        ("hooks: {ci: {bot: oncall, auth: hmac, secret: 12345678901234567890123}}", "hooks.ci.secret"),
        (f"hooks: {{ci: {{bot: oncall, auth: none, secret: {SECRET}}}}}", "hooks.ci.auth"),
        (f"hooks: {{ci: {{auth: hmac, secret: {SECRET}}}}}", "hooks.ci.bot: field required"),
        (f"hooks: {{ci: {{bot: oncall, auth: hmac, secret: {SECRET}, secret_file: x}}}}", "hooks.ci.secret_file"),
        (f"hooks: {{CI.1: {{bot: oncall, auth: hmac, secret: {SECRET}}}}}", "hooks"),
        (
            f"hooks: {{a: {{bot: x, auth: hmac, secret: {SECRET}}}, b: {{bot: x, auth: path, secret: {SECRET}}}}}",
            "a and b have the same secret",
        ),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_shown(file: Path, text: str, said: str) -> None:
    """With its place in the file."""
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read(file)
    assert said in str(caught.value)
    assert not any(secret in str(caught.value) for secret in (SECRET, "Short-and-Sweet", "with a /", "12345"))


def test_a_signature_is_the_one_that_is_documented() -> None:
    """Of a known body at a known time, as any HMAC-SHA256 gives it."""
    assert signed("secret", 1, b"{}") == f"t=1,v1={mac('secret', b'1.{}')}"
    assert mac("key", b"The quick brown fox jumps over the lazy dog") == (
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )
