"""What an approval is bound to."""

from __future__ import annotations

import hashlib

from bellboard.api.ledger.v1 import ledger_pb2 as pb

APPROVAL_LIFE = 15 * 60.0
"""Seconds in which an approval may be given."""


def plan(envelope: pb.Envelope, rules_digest: str) -> str:
    """The digest of exactly what would run, for whom, where, and by which rules. SHA-256, in hex."""
    digest = hashlib.sha256(b"bellboard/plan/v2\0")
    parts = (
        envelope.id.encode(),
        envelope.team.encode(),
        f"{envelope.bot}.{envelope.method}".encode(),
        envelope.digest.encode(),
        envelope.request,
        envelope.sealed,
        envelope.principal.SerializeToString(deterministic=True),
        envelope.origin.room.encode(),
        bytes((envelope.preview, envelope.rehearsal, envelope.force)),
        envelope.table.sha256.encode(),
        *(line.encode() for line in envelope.pipe),
        rules_digest.encode(),
    )
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
