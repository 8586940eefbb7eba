"""Secrets are sealed to the bot that needs them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bellboard.contract import Contract
from bellboard.errors import EnvelopeError
from bellboard.sealed import join_secrets, seal, split_secrets, unseal
from bellboard_practice.v1 import practice_pb2 as pb

PRIVATE = X25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY, PUBLIC = PRIVATE.private_bytes_raw(), PRIVATE.public_key().public_bytes_raw()
EVERY = Contract.of(pb.DESCRIPTOR.services_by_name["PracticeService"], "1").command("Every")


@given(st.binary(max_size=500), st.binary(max_size=40))
def test_what_is_sealed_is_opened_with_the_bots_key(data: bytes, command: bytes) -> None:
    """And no two seals are alike."""
    sealed = seal(PUBLIC, data, command)

    assert unseal(KEY, sealed, command) == data
    assert sealed != seal(PUBLIC, data, command)


@given(st.data())
def test_any_byte_changed_opens_nothing(data: st.DataObject) -> None:
    """Of the key or of the text."""
    sealed = bytearray(seal(PUBLIC, b"hunter2", b"k3f9"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(EnvelopeError, match="can't be opened"):
        unseal(KEY, bytes(sealed), b"k3f9")


@given(st.binary(max_size=100))
def test_garbage_opens_nothing(sealed: bytes) -> None:
    """However short."""
    with pytest.raises(EnvelopeError):
        unseal(KEY, sealed, b"k3f9")


def test_a_seal_is_for_one_bot_and_one_command() -> None:
    """Copied to another command it stays shut."""
    sealed = seal(PUBLIC, b"hunter2", b"k3f9")

    with pytest.raises(EnvelopeError):
        unseal(KEY, sealed, b"k3f8")
    with pytest.raises(EnvelopeError):
        unseal(bytes([1]) * 32, sealed, b"k3f9")


def test_a_request_is_split_into_what_all_may_read_and_what_only_the_bot_may() -> None:
    """And put together again."""
    request = pb.EveryRequest(direction=pb.DIRECTION_NORTH, count=3, token="hunter2", tag=["a"])

    public, secret = split_secrets(EVERY, request)

    assert b"hunter2" not in public
    assert pb.EveryRequest.FromString(public) == pb.EveryRequest(direction=pb.DIRECTION_NORTH, count=3, tag=["a"])
    assert pb.EveryRequest.FromString(secret) == pb.EveryRequest(token="hunter2")
    assert join_secrets(EVERY, public, secret) == request
    assert request.token == "hunter2"


def test_a_request_without_secrets_has_nothing_to_seal() -> None:
    """So most commands pay nothing."""
    assert split_secrets(EVERY, pb.EveryRequest(count=3)) == (b"\x10\x03", b"")


def test_bytes_that_are_no_request_are_refused() -> None:
    """They come from the bus."""
    with pytest.raises(EnvelopeError, match="can't be read"):
        join_secrets(EVERY, b"\xff", b"")
