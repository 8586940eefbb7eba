"""The server's answer to a stored message."""

from __future__ import annotations

import orjson

from bellboard.errors import BusError, CasLost, Refused, TooLarge, Unconfirmed

WRONG_LAST_SEQUENCE = frozenset({10071, 10164})
TOO_LARGE = 10054


def sequence_of(payload: bytes) -> int:
    """The stream sequence at which a message was stored.

    Raises:
        CasLost: another message came first.
        TooLarge: it is larger than the stream takes.
        Refused: the stream will not take it, and it is not stored.
        Unconfirmed: the server failed while storing it, or the answer is none.
    """
    try:
        answer = orjson.loads(payload)
        if "error" not in answer:
            return int(answer["seq"])
        error = answer["error"]
    except (ValueError, KeyError, TypeError) as broken:
        raise Unconfirmed("the bus gave an answer that is none") from broken
    raise failure(error)


def failure(error: dict[str, object]) -> BusError:
    """An error of the JetStream API, as ours."""
    text = str(error.get("description", "no reason given"))
    if error.get("err_code") in WRONG_LAST_SEQUENCE:
        return CasLost(text)
    if error.get("err_code") == TOO_LARGE:
        return TooLarge(text)
    if error.get("code") == 400 or error.get("code") == 404:
        return Refused(text)
    return Unconfirmed(text)  # such as a full disk: what of it was stored is not said
