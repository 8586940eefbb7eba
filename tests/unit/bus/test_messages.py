"""What the server's answers mean."""

from __future__ import annotations

import pytest

from bellboard.bus.acks import sequence_of
from bellboard.bus.messages import origin
from bellboard.errors import BusError, CasLost, Refused, TooLarge, Unconfirmed


def test_an_acknowledgement_says_where_a_message_stands() -> None:
    """Its sequence in the stream."""
    assert sequence_of(b'{"stream": "LED", "seq": 7}') == 7


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b'{"error": {"code": 400, "err_code": 10071, "description": "wrong last sequence: 3"}}', CasLost),
        (b'{"error": {"code": 400, "err_code": 10164, "description": "wrong last sequence"}}', CasLost),
        (b'{"error": {"code": 400, "err_code": 10054, "description": "message size exceeds maximum allowed"}}', TooLarge),
        (b'{"error": {"code": 400, "err_code": 10060, "description": "expected stream does not match"}}', Refused),
        (b'{"error": {"code": 503, "err_code": 10077, "description": "no space left on device"}}', Unconfirmed),
        (b'{"error": {}}', Unconfirmed),
        (b"{}", Unconfirmed),
        (b"[]", Unconfirmed),
        (b"", Unconfirmed),
        (b"garbage", Unconfirmed),
    ],
)
def test_a_refusal_says_what_is_known(payload: bytes, error: type[BusError]) -> None:
    """Only what is certain is called lost or refused; both of the server's codes for a lost race are known."""
    with pytest.raises(error):
        sequence_of(payload)


@pytest.mark.parametrize(
    "reply",
    [
        "$JS.ACK.LED.memes-read.2.41.7.1795370636370637315.5",
        "$JS.ACK.domain.hash.LED.memes-read.2.41.7.1795370636370637315.5",
        "$JS.ACK.domain.hash.LED.memes-read.2.41.7.1795370636370637315.5.token",
    ],
)
def test_both_forms_of_an_ack_subject_are_read(reply: str) -> None:
    """The server's old one and its new one."""
    came = origin(reply)
    assert came is not None
    assert (came.deliveries, came.sequence, came.place) == (2, 41, 7)
    assert int(came.time) == 1795370636


@pytest.mark.parametrize("reply", ["", "_INBOX.x", "$JS.ACK", "$JS.API.STREAM.INFO.LED.a.b.c.d"])
def test_other_replies_come_from_no_consumer(reply: str) -> None:
    """Such as those of heartbeats."""
    assert origin(reply) is None
