"""Telling pictures from files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bellboard_gateway.rooms import FILE, PICTURES, media_type


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", FILE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", FILE),
        (b"<html><script>", FILE),
        (b"%PDF-1.7", FILE),
        (b"", FILE),
    ],
)
def test_a_picture_is_told_by_its_first_bytes(start: bytes, kind: str) -> None:
    """Not by a name or a header that the sender chose; what could hold a script is a file."""
    assert media_type(start) == kind


@given(st.binary(max_size=64))
def test_whatever_comes_is_a_known_picture_or_a_file(data: bytes) -> None:
    """There is nothing in between."""
    assert media_type(data) in PICTURES | {FILE}
