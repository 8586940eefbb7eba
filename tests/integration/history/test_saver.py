"""Saving what was seen to a disk that is slow, full, or stands still."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from bellboard.history import Keeper, Seen, saver
from bellboard.history.saver import Saver
from bellboard.testing import eventually


def seen(sequence: int) -> Seen:
    """A record of the ledger."""
    return Seen(0, sequence, f"led.ops-work.practice.{sequence}.run", "d", 1e9)


class Disk:
    """It stands still until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sync, self._goes, self.waiting = os.fsync, threading.Event(), 0
        monkeypatch.setattr(os, "fsync", self._wait)
        monkeypatch.setattr(saver, "SECONDS", 0.3)

    def go_on(self) -> None:
        """From now on."""
        self._goes.set()

    def _wait(self, descriptor: int) -> None:
        self.waiting += 1
        assert self._goes.wait(30)
        self._sync(descriptor)


async def test_a_disk_that_stands_still_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it take a thread for each that asks, of which other things need some. When it goes on, all is kept."""
    disk, saving = Disk(monkeypatch), Saver(Keeper(tmp_path), Seen())
    try:
        assert set(await asyncio.gather(*(saving.save(seen(number)) for number in range(1, 41)))) == {
            "the disk does not answer"
        }
        assert await saving.save(seen(41)) == "the disk does not answer"
        assert disk.waiting == 1
    finally:
        disk.go_on()
    assert await eventually(lambda: _saves(saving, 41))
    assert Keeper(tmp_path).load() == seen(41)


async def _saves(saving: Saver, sequence: int) -> bool:
    return await saving.save(seen(sequence)) == ""


async def test_many_at_once_are_saved_together(tmp_path: Path) -> None:
    """Each finds at least its own."""
    saving = Saver(Keeper(tmp_path), Seen())

    async def save(number: int) -> bool:
        return await saving.save(seen(number)) == "" and Keeper(tmp_path).load().sequence >= number

    assert all(await asyncio.gather(*(save(number) for number in range(1, 101))))
    assert Keeper(tmp_path).load() == seen(100)


async def test_what_can_not_be_kept_is_said(tmp_path: Path) -> None:
    """And tried again when it is asked for again."""
    saving = Saver(Keeper(tmp_path), Seen())
    (tmp_path / "ledger-seen").rmdir()
    assert await saving.save(seen(1)) == "No such file or directory"
    (tmp_path / "ledger-seen").mkdir()
    assert await saving.save(seen(1)) == ""
