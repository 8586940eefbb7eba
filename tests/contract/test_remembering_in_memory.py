"""What bots remember, in memory."""

from __future__ import annotations

import pytest

from bellboard.keep import Keep
from bellboard.keep.memory import MemoryKeep
from bellboard.marks import Marks
from bellboard.marks.memory import MemoryMarks
from tests.contract.remembering import KeepBehaviour, MarksBehaviour


class TestKeepInMemory(KeepBehaviour):
    """As tests of bots have it."""

    @pytest.fixture(autouse=True)
    def _begin(self) -> None:
        self._keeps = {False: MemoryKeep(), True: MemoryKeep()}

    async def keep(self, replica: int = 1, *, rehearsing: bool = False) -> Keep:
        return self._keeps[rehearsing]


class TestMarksInMemory(MarksBehaviour):
    """As tests of bots have it."""

    @pytest.fixture(autouse=True)
    def _begin(self) -> None:
        self._marks = MemoryMarks("memes")

    async def marks(self, bot: str = "memes", *, rehearsing: bool = False) -> Marks:
        return self._marks.by(bot, rehearsing=rehearsing)
