"""Pictures from people, decoded out of harm's way."""

from __future__ import annotations

import asyncio
import sys

from PIL import Image

from bellboard import UserError

from . import decoder

SECONDS = 10.0
"""The longest that a picture may take."""

_at_a_time = asyncio.Semaphore(2)


async def decode(data: bytes) -> Image.Image:
    """A person's picture in RGB, its longer side at most `decoder.SIDE` pixels.

    Raises:
        UserError: it is too large, not a picture that is known, or hit a limit while it was decoded.
    """
    if len(data) > decoder.MAX_BYTES:
        raise _refused(f"the picture has {len(data) / 2**20:.1f} MiB")
    async with _at_a_time:
        code, pixels = await _run(data)
    if code == decoder.TOO_MANY_PIXELS:
        raise _refused("the picture has too many pixels")
    if code == decoder.NOT_A_PICTURE:
        raise _refused("that is not a picture that can be read")
    if code != 0 or len(pixels) < decoder.HEADER.size:
        raise _refused("the picture took too much to decode")
    width, height = decoder.HEADER.unpack_from(pixels)
    if not 0 < max(width, height) <= decoder.SIDE or len(pixels) != decoder.HEADER.size + width * height * 3:
        raise _refused("the picture took too much to decode")
    return Image.frombytes("RGB", (width, height), pixels[decoder.HEADER.size :])


async def _run(data: bytes) -> tuple[int, bytes]:
    """Run the decoder on a picture: its exit code, negative where a signal ended it, and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", decoder.__name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(SECONDS):
            pixels, _ = await process.communicate(data)
    except TimeoutError:
        return -1, b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, pixels


def _refused(why: str) -> UserError:
    return UserError(why, hint="send a PNG, JPEG, GIF or WebP of at most 5 MiB and 20 megapixels")
