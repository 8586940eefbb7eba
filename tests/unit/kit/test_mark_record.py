"""Marks as other bots wrote them: anything may stand there."""

from __future__ import annotations

import pytest

from bellboard.api.marks.v1 import marks_pb2 as pb
from bellboard.bus import Message
from bellboard.marks.record import read


@pytest.mark.parametrize("seconds", [-(2**62), -1, 253_402_300_800, 2**62])
@pytest.mark.parametrize("field", ["at", "until"])
def test_a_time_that_no_calendar_has_is_no_mark(field: str, seconds: int) -> None:
    """It would break whoever shows it, and it could never be taken away."""
    mark = pb.Mark(title="forged")
    mark.at.seconds = 1
    assert read(Message("mark.memes.D.7", mark.SerializeToString())) is not None
    getattr(mark, field).seconds = seconds
    assert read(Message("mark.memes.D.7", mark.SerializeToString())) is None
