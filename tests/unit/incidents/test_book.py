"""Incidents as they are kept, by commands that run at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.call import Call, CallServices
from bellboard.keep.memory import MemoryKeep
from bellboard.ledger.ops import timestamp
from bellboard.marks import Mark
from bellboard.marks.memory import MemoryMarks
from bellboard.testing.talk import MemoryBlobs
from bellboard_incidents.book import Book
from bellboard_incidents.model import CLOSED, STATUS

NOON = 1_795_435_200.0
"""23 November 2026, 12:00 UTC, in seconds since 1970."""


class Interrupted(MemoryMarks):
    """Marks that somebody else is quicker with, the first time that one is brought up to date."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def update(self, mark: Mark) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        await super().update(mark)


def call(id: str) -> Call:
    async def nothing(_: pb.CommandRequest) -> None:
        """Nobody asks."""

    async def steps() -> AsyncIterator[str]:
        """There are none."""
        return
        yield

    envelope = pb.Envelope(id=id, principal=pb.Principal(person="ann"), received_at=timestamp(NOON))
    return Call(envelope, 1, CallServices(MemoryBlobs("incidents"), nothing, lambda _: None), steps)


async def test_an_incident_that_is_closed_meanwhile_is_not_marked_as_open() -> None:
    """Whoever is slower with the mark looks again."""
    keep, marks = MemoryKeep(), Interrupted("incidents")
    incident = await Book(call("c1"), keep, marks).open("nobody can pay", 2)
    marks.meanwhile = lambda: Book(call("c2"), keep, marks).close(incident, "v1 is back")

    now = await Book(call("c3"), keep, marks).add(incident, STATUS, words="worse", severity=1)

    mark = await marks.find(incident.id)
    assert now.closing is not None
    assert mark is not None
    assert (mark.state, mark.until, mark.detail["severity"]) == (CLOSED, NOON, "1")
