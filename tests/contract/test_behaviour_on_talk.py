"""The behaviour suite, without a bus."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bellboard.api.chat.v1.chat_pb2 import BlobRef
from bellboard.testing.talk import Said, Talk, TalkTo, settings_for
from bellboard_memes.bot import bot as memes
from bellboard_memes.providers import register as register_memes
from bellboard_memes.settings import Settings as MemesSettings
from bellboard_practice.bot import bot as practice
from bellboard_practice.providers import register as register_practice
from bellboard_practice.settings import Settings as PracticeSettings
from tests.contract.behaviour import Behaviour


class TestBehaviourOnTalk(Behaviour):
    """Every line goes through grammar and execution; nothing else is there."""

    @pytest.fixture(autouse=True)
    def _meet(self, talk_to: TalkTo, tmp_path: Path) -> None:
        self._file = tmp_path / "effects"
        self._practice = talk_to(practice, register_practice, settings_for(PracticeSettings, practice_file=self._file))
        self._memes = talk_to(memes, register_memes, settings_for(MemesSettings))

    def _of(self, line: str) -> Talk:
        return self._practice if line.startswith("practice") else self._memes

    async def say(self, line: str, *, upload: bytes | None = None, cancel: bool = False) -> Said:
        return await self._of(line)(line, upload=upload, cancel=cancel)

    async def fetch(self, sha256: str, owner: str) -> bytes:
        return await self._of(owner).blobs.get(BlobRef(sha256=sha256))

    def effects(self) -> Counter[tuple[str, str]]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return Counter((id, what) for id, what, _ in (line.split() for line in lines))
