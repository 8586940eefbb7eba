"""Storing messages, and what is known when it does not work."""

from __future__ import annotations

import pytest

from bellboard.testing.plugin import BusAs

pytestmark = pytest.mark.integration


async def test_a_stored_message_can_be_read_back(bus_as: BusAs) -> None:
    """What publish acknowledged is what last gives, with its sequence and time."""
    bus = await bus_as("gw-1")
    sequence = await bus.publish("led.ops-read.memes.one.run", b"hello", headers={"traceparent": "00-1"})
    message = await bus.last("LED", "led.ops-read.memes.one.run")
    assert message is not None
    assert (message.payload, message.sequence) == (b"hello", sequence)
    assert message.headers["traceparent"] == "00-1"
    assert message.time > 1_600_000_000
