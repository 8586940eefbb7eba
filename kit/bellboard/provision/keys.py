"""Keys: bus users (nkeys), gateways' signing keys (Ed25519), bots' box keys (X25519). Each in a file only its owner reads."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import nkeys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

Kind = Callable[[Path], str]
"""Makes a key in a file, unless there is one, and says what of it others may know. Raises ValueError: it is none."""

TOKEN_LENGTH = 43
"""Characters of a random word."""


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def bus_user(path: Path) -> str:
    """The public nkey of the user whose seed lies there; made if there is none."""
    if not path.exists():
        write(path, nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode() + "\n")  # type: ignore[no-untyped-call]
    try:
        pair = nkeys.from_seed(bytearray(path.read_text().strip().encode()))  # type: ignore[no-untyped-call]
        return str(pair.public_key.decode())
    except (nkeys.NkeysError, binascii.Error, IndexError) as error:
        raise ValueError("not an nkey seed") from error


def signer(path: Path) -> str:
    """The public Ed25519 key, in base64, of the private one that lies there; made if there is none."""
    if not path.exists():
        write(path, _text(Ed25519PrivateKey.generate().private_bytes_raw()))
    return _text(Ed25519PrivateKey.from_private_bytes(_raw(path)).public_key().public_bytes_raw())


def box(path: Path) -> str:
    """The public X25519 key, in base64, of the private one that lies there; made if there is none."""
    if not path.exists():
        write(path, _text(X25519PrivateKey.generate().private_bytes_raw()))
    return _text(X25519PrivateKey.from_private_bytes(_raw(path)).public_key().public_bytes_raw())


def token(path: Path) -> str:
    """The random word that lies there, safe in a URL; made if there is none."""
    if not path.exists():
        write(path, secrets.token_urlsafe(32))
    word = path.read_text().strip()
    if len(word) < TOKEN_LENGTH:
        raise ValueError("cut off")
    return word


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _raw(path: Path) -> bytes:
    return base64.b64decode(path.read_text().strip(), validate=True)
