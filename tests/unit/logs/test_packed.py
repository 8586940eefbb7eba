"""What Loki's own shippers send, unpacked."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard_logs.ingest.packed import labels, read_push, unpack

LARGEST = 1 << 20

PUSH = base64.b64decode(
    "4AHwbQrdAQose2FwcD0ic2hvcCIsIHZlcnNpb249InZcIjJcIiIsIG5vdGU9ImEsYj19In0SNwoGCIDiz6oGEh10b2tlbiBtaXNtYXRjaCBmb3Igb3JkZXIg"
    "NDcxMRoOCgVsZXZlbBIFZXJyb3ISOQoICTkEEAHmOwAAAro7AA=="
)
"""Three lines, packed by the Snappy of cramjam 2.14: bytes as they are, and copies with one and with two bytes of distance."""


def test_a_push_is_read() -> None:
    """As if it had come as JSON."""
    (stream,) = read_push(PUSH, LARGEST)["streams"]

    assert stream["stream"] == {"app": "shop", "version": 'v"2"', "note": "a,b=}"}
    assert stream["values"] == [
        (1_700_000_000 * 10**9 + n, "token mismatch for order 4711", {"level": "error"}) for n in range(3)
    ]


@pytest.mark.parametrize(
    ("packed", "data"),
    [
        (b"\x00", b""),
        (b"\x03\x08abc", b"abc"),
        (b"\x0a\x04ab\x11\x02", b"ab" * 5),
        (b"\x0a\x04ab\x1e\x02\x00", b"ab" * 5),
        (b"\x0a\x04ab\x1f\x02\x00\x00\x00", b"ab" * 5),
        (b"\x80\x02\xf0\xff" + b"x" * 256, b"x" * 256),
        (b"\x80\x02\xf4\xff\x00" + b"x" * 256, b"x" * 256),
    ],
)
def test_every_element_of_snappy_is_known(packed: bytes, data: bytes) -> None:
    """Bytes as they are with three kinds of length, copies with three kinds of distance, also ones that overlap."""
    assert unpack(packed, LARGEST) == data


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\xff" * 9, b"\x03\x08ab", b"\x03\x04ab", b"\x04\x01\x00", b"\x05\x0d\x01", b"\x01\xf8"]
)
def test_what_was_cut_off_or_is_none_is_refused(data: bytes) -> None:
    """Nothing is read beyond the end or before the beginning."""
    with pytest.raises(ValueError, match=r"^it "):
        unpack(data, LARGEST)


def test_what_would_be_too_large_is_never_unpacked() -> None:
    """It says so itself, at its beginning."""
    with pytest.raises(ValueError, match="too large"):
        unpack(b"\xff\xff\xff\xff\x0f" + b"\xfe\x01\x00" * 1000, LARGEST)


@given(st.binary(max_size=200))
def test_nothing_but_a_refusal_comes_of_anything_else(data: bytes) -> None:
    """And never more than was said to be too large."""
    try:
        assert len(unpack(data, 1000)) <= 1000
        read_push(data, 1000)
    except ValueError:
        pass


@pytest.mark.parametrize("text", ["", "app", "{app}", '{app="x"', '{app="x" env="y"}', '{app="x}'])
def test_what_are_no_labels_is_refused(text: str) -> None:
    """Rather than to be kept as lines of nobody."""
    with pytest.raises(ValueError, match="no labels"):
        labels(text)
    assert labels("{}") == {}
