"""The newest record that was seen, kept by several replicas in one folder: never an older one, and nobody waits."""

from __future__ import annotations

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bellboard.history import Keeper, Seen


def seen(sequence: int, epoch: int = 0) -> Seen:
    """A record of the ledger."""
    return Seen(epoch, sequence, f"led.ops-work.practice.{sequence}.run", "d", 1e9)


def files(folder: Path) -> list[str]:
    """What lies in the folder."""
    return sorted(path.name for path in (folder / "ledger-seen").iterdir())


def test_the_newest_counts_whoever_kept_it(tmp_path: Path) -> None:
    """An older one that comes late is not kept; one after a loss that was accepted is newer than all before it."""
    one, other = Keeper(tmp_path), Keeper(tmp_path)
    assert one.load() == Seen()
    one.save(seen(9))
    other.save(seen(7))
    assert other.load() == seen(9)
    other.save(seen(2, epoch=3))
    assert (one.load(), files(tmp_path)) == (seen(2, epoch=3), ["3-2.json"])


def test_it_never_goes_back_while_many_keep_it(tmp_path: Path) -> None:
    """Eight replicas; each finds at least what it has just kept."""
    sequences = list(range(1, 401))
    random.Random(7).shuffle(sequences)

    def keep(sequence: int) -> bool:
        keeper = Keeper(tmp_path)
        keeper.save(seen(sequence))
        return keeper.load().sequence >= sequence

    with ThreadPoolExecutor(8) as replicas:
        assert all(replicas.map(keep, sequences))
    assert Keeper(tmp_path).load() == seen(400)
    Keeper(tmp_path).save(seen(401))
    assert files(tmp_path) == ["0-401.json"]


def test_one_that_stands_still_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one that was stopped in the middle of it; when it goes on, the newer one stays."""
    sync, stands, go_on = os.fsync, threading.Event(), threading.Event()

    def still(descriptor: int) -> None:
        if threading.current_thread() is stopped:
            stands.set()
            assert go_on.wait(30)
        sync(descriptor)

    stopped = threading.Thread(target=lambda: Keeper(tmp_path).save(seen(5)))
    monkeypatch.setattr(os, "fsync", still)
    stopped.start()
    assert stands.wait(30)
    Keeper(tmp_path).save(seen(6))
    go_on.set()
    stopped.join(30)
    assert (Keeper(tmp_path).load(), files(tmp_path)) == (seen(6), ["0-6.json"])


def test_a_folder_that_is_gone_is_no_success(tmp_path: Path) -> None:
    """What could not be kept is said."""
    keeper = Keeper(tmp_path)
    (tmp_path / "ledger-seen").rmdir()
    with pytest.raises(OSError, match="No such file"):
        keeper.save(seen(5))


def test_what_others_put_there_is_let_be(tmp_path: Path) -> None:
    """It is not a record, and is not removed."""
    keeper = Keeper(tmp_path)
    (tmp_path / "ledger-seen" / "notes.json").write_text("{")
    keeper.save(seen(5))
    assert (keeper.load(), files(tmp_path)) == (seen(5), ["0-5.json", "notes.json"])
