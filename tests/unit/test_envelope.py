"""Only what a trusted gateway signed, for this team, bot and id, is opened."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.envelope import DOMAIN, LOOK_EVERY, MAX_BYTES, Signer, Verifier
from bellboard.errors import EnvelopeError, SettingsError

SIGNER = Signer("gw-1", bytes(range(32)))
VERIFIER = Verifier({"gw-1": SIGNER.public, "gw-2": Signer("gw-2", bytes(32)).public})
ENVELOPE = pb.Envelope(
    id="k3f9",
    team="home",
    bot="memes",
    method="Make",
    digest="0" * 16,
    request=b"\x08\x01",
    principal=pb.Principal(person="ann"),
)
SIGNED = SIGNER.sign(ENVELOPE)


def open_(signed: pb.SignedEnvelope, team: str = "home", bot: str = "memes", id: str = "k3f9") -> pb.Envelope:
    return VERIFIER.open(signed, team=team, bot=bot, id=id)


def write_trust(path: Path, *signers: Signer) -> None:
    keys = {signer.key_id: base64.b64encode(signer.public).decode() for signer in signers}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"keys": keys}))
    fresh.replace(path)


def test_a_signed_command_is_opened() -> None:
    """After a way over the bus."""
    assert open_(pb.SignedEnvelope.FromString(SIGNED.SerializeToString())) == ENVELOPE


@given(st.integers(0, len(SIGNED.SerializeToString()) - 1), st.integers(1, 255))
def test_any_byte_changed_is_refused(place: int, mask: int) -> None:
    """Of the command, its key's name, its signature or how they are framed."""
    data = bytearray(SIGNED.SerializeToString())
    data[place] ^= mask
    try:
        changed = pb.SignedEnvelope.FromString(bytes(data))
    except DecodeError:
        return  # it can't even be read

    with pytest.raises(EnvelopeError):
        open_(changed)


@given(st.binary(max_size=300), st.text(max_size=20), st.binary(max_size=80))
def test_nothing_made_up_is_opened(envelope: bytes, key_id: str, signature: bytes) -> None:
    """Nor does it break anything."""
    with pytest.raises(EnvelopeError):
        open_(pb.SignedEnvelope(envelope=envelope, key_id=key_id, signature=signature))


@pytest.mark.parametrize(
    ("team", "bot", "id"), [("away", "memes", "k3f9"), ("home", "deploy", "k3f9"), ("home", "memes", "k3f8")]
)
def test_a_command_is_good_for_its_own_team_bot_and_id_alone(team: str, bot: str, id: str) -> None:
    """A command copied to another subject is refused there."""
    with pytest.raises(EnvelopeError, match="another team, bot or id"):
        open_(SIGNED, team, bot, id)


def test_a_key_that_is_not_trusted_signs_nothing() -> None:
    """Nor does one under another's name."""
    stranger = Signer("gw-9", bytes([9]) * 32)

    with pytest.raises(EnvelopeError, match="a key that is not trusted"):
        open_(stranger.sign(ENVELOPE))
    with pytest.raises(EnvelopeError, match="signature is wrong"):
        open_(Signer("gw-1", bytes([9]) * 32).sign(ENVELOPE))


def test_an_unsigned_command_is_refused() -> None:
    """However well it reads."""
    with pytest.raises(EnvelopeError, match="not signed"):
        open_(pb.SignedEnvelope(envelope=SIGNED.envelope, key_id="gw-1"))


@pytest.mark.parametrize("signature", [b"\0", SIGNED.signature[:32], SIGNED.signature[:63], SIGNED.signature + b"\0"])
def test_a_signature_of_another_length_is_wrong(signature: bytes) -> None:
    """What is missing or too much is not made up for from the command."""
    with pytest.raises(EnvelopeError, match="signature is wrong"):
        open_(pb.SignedEnvelope(envelope=SIGNED.envelope, key_id="gw-1", signature=signature))


def test_a_signature_for_something_else_is_worth_nothing() -> None:
    """The domain stands before what is signed."""
    bare = pb.SignedEnvelope(envelope=SIGNED.envelope, key_id="gw-1", signature=SIGNER._key.sign(SIGNED.envelope))

    assert DOMAIN.endswith(b"\0")
    with pytest.raises(EnvelopeError, match="signature is wrong"):
        open_(bare)


def test_a_signed_command_that_is_none_is_refused() -> None:
    """Even a gateway may be wrong."""
    garbage = b"\xff\xff\xff"

    with pytest.raises(EnvelopeError, match="can't be read"):
        open_(pb.SignedEnvelope(envelope=garbage, key_id="gw-1", signature=SIGNER._key.sign(DOMAIN + garbage)))


def test_what_is_too_large_is_neither_signed_nor_opened() -> None:
    """Its size is looked at before anything else is."""
    large = pb.Envelope(request=bytes(MAX_BYTES + 1))

    with pytest.raises(EnvelopeError, match="larger"):
        SIGNER.sign(large)
    with pytest.raises(EnvelopeError, match="too large"):
        open_(pb.SignedEnvelope(envelope=large.SerializeToString(), key_id="gw-1", signature=bytes(64)))


def test_the_trust_file_is_followed(tmp_path: Path) -> None:
    """Keys come and go while a bot runs: a new one is trusted at once, an old one until a second after it was taken out."""
    path = tmp_path / "trust.json"
    old, new = SIGNER, Signer("gw-1b", bytes([7]) * 32)
    write_trust(path, old)
    now = 0.0
    verifier = Verifier.from_file(path, lambda: now)
    name = {"team": "home", "bot": "memes", "id": "k3f9"}
    assert verifier.open(old.sign(ENVELOPE), **name)

    write_trust(path, old, new)
    assert verifier.open(old.sign(ENVELOPE), **name)
    assert verifier.open(new.sign(ENVELOPE), **name)

    write_trust(path, new)
    assert verifier.open(old.sign(ENVELOPE), **name)
    now += LOOK_EVERY
    with pytest.raises(EnvelopeError, match="not trusted"):
        verifier.open(old.sign(ENVELOPE), **name)


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"keys": {"gw-1": "AAAA"}}', '{"keys": {"gw-1": 7}}', '{"keys": []}'])
def test_a_trust_file_that_breaks_leaves_the_keys_as_they_were(tmp_path: Path, broken: str) -> None:
    """A slip of an operator stops no bot; it is in the log. At start it does."""
    path = tmp_path / "trust.json"
    write_trust(path, SIGNER)
    now = 0.0
    verifier = Verifier.from_file(path, lambda: now)

    path.write_text(broken)
    os.utime(path, ns=(1, 1))
    now += LOOK_EVERY

    assert verifier.open(SIGNED, team="home", bot="memes", id="k3f9")
    with pytest.raises(SettingsError, match=r"trust\.json"):
        Verifier.from_file(path)


def test_a_signing_key_is_read_from_its_file(tmp_path: Path) -> None:
    """In base64; anything else is a setting that is wrong."""
    path = tmp_path / "gw-1.sign"
    path.write_bytes(base64.b64encode(bytes(range(32))) + b"\n")
    assert Signer.from_file("gw-1", path).public == SIGNER.public

    path.write_text("no key")
    with pytest.raises(SettingsError, match="no signing key"):
        Signer.from_file("gw-1", path)
    path.write_bytes(base64.b64encode(b"short"))
    with pytest.raises(SettingsError, match="32 bytes"):
        Signer.from_file("gw-1", path)
    with pytest.raises(SettingsError, match="no signing key"):
        Signer.from_file("gw-1", tmp_path / "none")
