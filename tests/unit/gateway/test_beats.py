"""Who is alive, by heartbeats."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bellboard.api.registry.v1 import registry_pb2 as pb
from bellboard_gateway.beats import DEAF, GAP, SETTLED, SILENCE, Beats
from bellboard_gateway.registry import TICK


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def beats(clock: Clock) -> Beats:
    return Beats(clock)


def beat(sequence: int = 1, *, replica: str = "p-1", draining: bool = False, at: int = 0) -> pb.Heartbeat:
    made = pb.Heartbeat(bot="practice", replica=replica, digest="d1", sequence=sequence, draining=draining)
    made.at.seconds = at
    return made


def pass_time(beats: Beats, clock: Clock, seconds: float) -> None:
    """Let time pass while the process looks often."""
    for _ in range(int(seconds / 0.2)):
        clock.now += 0.2
        beats.look(reachable=True)


def test_a_replica_that_beats_is_there(beats: Beats) -> None:
    """From its first heartbeat."""
    beats.hear(beat())
    assert [replica.beat.replica for replica in beats.taking("practice")] == ["p-1"]
    assert beats.taking("memes") == []


def test_silence_means_gone(beats: Beats, clock: Clock) -> None:
    """Not before, and not for others; whoever was killed is missed within 5 s."""
    assert SILENCE + TICK < 5
    beats.hear(beat())
    pass_time(beats, clock, SILENCE - 0.5)
    assert beats.taking("practice")
    pass_time(beats, clock, 1.0)
    assert beats.of("practice") == []


def test_a_draining_replica_takes_nothing(beats: Beats) -> None:
    """It is still listed."""
    beats.hear(beat(1))
    beats.hear(beat(2, draining=True))
    assert beats.taking("practice") == []
    assert len(beats.of("practice")) == 1


def test_an_old_heartbeat_says_nothing(beats: Beats) -> None:
    """One that was overtaken on its way."""
    beats.hear(beat(5, draining=True, at=10))
    beats.hear(beat(4, at=9))
    assert beats.taking("practice") == []


def test_a_replica_that_started_anew_counts_from_one_again(beats: Beats) -> None:
    """Its clock has gone on."""
    beats.hear(beat(50, draining=True, at=10))
    beats.hear(beat(1, at=20))
    assert beats.taking("practice")


def test_a_gap_of_ones_own_is_nobodys_silence(beats: Beats, clock: Clock) -> None:
    """Everyone gets their time anew, and it takes a while to be sure again."""
    pass_time(beats, clock, SETTLED + 0.5)
    beats.hear(beat())
    assert beats.settled
    clock.now += SILENCE + GAP
    beats.look(reachable=True)
    assert beats.taking("practice")
    assert not beats.settled


def test_without_the_bus_nobody_is_called_gone(beats: Beats, clock: Clock) -> None:
    """Their heartbeats can't be heard."""
    beats.hear(beat())
    for _ in range(40):
        clock.now += 0.2
        beats.look(reachable=False)
    assert beats.taking("practice")


def echo() -> pb.Heartbeat:
    return pb.Heartbeat(bot="house", replica="gw-1", sequence=1)


def test_a_bus_that_brings_not_even_an_echo_is_nobodys_silence(beats: Beats, clock: Clock) -> None:
    """It hangs: the house does not hear itself either, so nobody is called gone."""
    beats.hear(beat())
    beats.hear(echo())
    pass_time(beats, clock, DEAF + 0.5)
    assert beats.deaf
    pass_time(beats, clock, 2 * SILENCE)
    assert beats.taking("practice")
    beats.hear(echo())
    assert not beats.deaf


def test_whoever_falls_silent_while_the_house_hears_itself_is_gone(beats: Beats, clock: Clock) -> None:
    """Then it is not the bus."""
    beats.hear(beat())
    for _ in range(5):
        beats.hear(echo())
        pass_time(beats, clock, 1.0)
    assert beats.taking("practice") == []
    assert not beats.deaf


def test_a_gap_of_ones_own_is_not_the_buss_either(beats: Beats, clock: Clock) -> None:
    """The echo gets its time anew, like everybody."""
    beats.hear(echo())
    clock.now += DEAF + GAP
    beats.look(reachable=True)
    assert not beats.deaf


def test_changes_are_counted(beats: Beats) -> None:
    """What is the same says nothing new."""
    beats.hear(beat(1))
    beats.hear(beat(2))
    assert beats.changes == 1
    beats.hear(beat(3, draining=True))
    assert beats.changes == 2
