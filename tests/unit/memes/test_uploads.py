"""People's pictures are decoded in a process that can do no harm, and may well break."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from bellboard import UserError
from bellboard_memes import decoder, uploads


def encoded(kind: str, size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: object) -> bytes:
    held = io.BytesIO()
    Image.new(mode, size, "teal").save(held, kind, **options)
    return held.getvalue()


def png(width: int, height: int, rows: bytes) -> bytes:
    """A PNG that claims a size, whatever its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


async def refused(data: bytes) -> str:
    with pytest.raises(UserError) as error:
        await uploads.decode(data)
    assert "PNG, JPEG, GIF or WebP" in error.value.hint
    return error.value.text


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_each_kind_is_read(kind: str) -> None:
    """Into RGB, at its own size."""
    picture = await uploads.decode(encoded(kind))

    assert (picture.mode, picture.size) == ("RGB", (60, 40))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "I;16"])
async def test_each_mode_becomes_rgb(mode: str) -> None:
    """Transparency on white."""
    held = io.BytesIO()
    Image.new(mode, (8, 8)).save(held, "PNG")

    assert (await uploads.decode(held.getvalue())).mode == "RGB"


async def test_what_phones_make_is_read() -> None:
    """A JPEG that holds more than one picture."""
    held = io.BytesIO()
    first, second = Image.new("RGB", (64, 48), "red"), Image.new("RGB", (64, 48), "blue")
    first.save(held, "MPO", save_all=True, append_images=[second])

    assert (await uploads.decode(held.getvalue())).size == (64, 48)


async def test_a_picture_on_its_side_is_put_upright() -> None:
    """As the camera noted it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded("JPEG", exif=exif)

    assert (await uploads.decode(data)).size == (40, 60)


async def test_a_large_picture_is_made_smaller() -> None:
    """Its longer side is what the card can use."""
    assert (await uploads.decode(encoded("PNG", (3000, 1500)))).size == (1000, 500)


async def test_a_bomb_is_refused_by_its_size() -> None:
    """Three hundred megapixels in a few hundred kilobytes."""
    assert "too many pixels" in await refused(png(20_000, 15_000, b"\0" * 60_001 * 100))

    after = await uploads.decode(encoded("PNG"))  # whoever asked lives, and goes on
    assert after.size == (60, 40)


async def test_one_pixel_too_many_is_refused() -> None:
    """The limit is an error, not a warning."""
    assert "too many pixels" in await refused(encoded("PNG", (4001, 5000)))


async def test_huge_dimensions_are_refused() -> None:
    """A header that lies."""
    assert await refused(png(2**31 - 1, 2**31 - 1, b""))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_a_truncated_file_is_refused(kind: str) -> None:
    """Half a picture is none."""
    noise = Image.effect_noise((200, 200), 90).convert("RGB")
    held = io.BytesIO()
    noise.save(held, kind)
    whole = held.getvalue()

    assert await refused(whole[: len(whole) // 2])


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg/>", b"\0" * 1000, b"%!PS-Adobe-3.0 EPSF-3.0\n"], ids=repr)
async def test_garbage_is_refused(data: bytes) -> None:
    """Whatever it may be elsewhere."""
    assert await refused(data)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM"])
async def test_other_kinds_are_refused(kind: str) -> None:
    """Only four decoders are ever reached."""
    assert "not a picture that can be read" in await refused(encoded(kind))


async def test_too_many_bytes_are_refused() -> None:
    """Before a process is started."""
    assert "MiB" in await refused(b"\0" * (decoder.MAX_BYTES + 1))


async def test_the_clock_ends_what_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is killed and gone."""
    monkeypatch.setattr(uploads, "SECONDS", 0.0)

    with pytest.raises(UserError, match="took too much"):
        await uploads.decode(encoded("PNG"))
