"""The ids of commands, which follow from the message that called them: a chat system's retry is the same command."""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2b


def command_id(
    system: str, workspace: str, room: str, message: str, ordinal: int = 0, revision: int = 0, stage: int = 0
) -> str:
    """The id of one command of one message: 26 characters of a-z and 2-7."""
    return _hash(b"bellboard/line", system, workspace, room, message, str(ordinal), str(revision), str(stage))


def child_id(parent: str, ordinal: int) -> str:
    """The id of the command that ``parent`` asked for under this number."""
    return _hash(b"bellboard/child", parent, str(ordinal))


def _hash(purpose: bytes, *parts: str) -> str:
    digest = blake2b(digest_size=16, person=purpose)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4, "big"))  # so that ("a", "bc") differs from ("ab", "c")
        digest.update(data)
    return b32encode(digest.digest()).decode().rstrip("=").lower()
