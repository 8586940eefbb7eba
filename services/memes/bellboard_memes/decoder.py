"""Decodes one picture, in a process of its own that may do nothing else: ``python -m bellboard_memes.decoder``.

The picture comes on stdin; out go its width and height, four bytes each, and its pixels in RGB. Before the first byte is
decoded the process gives up nearly everything: memory, time, and any new file or socket.
"""

from __future__ import annotations

import io
import resource
import struct
import sys
import warnings

from PIL import Image, ImageOps, MpoImagePlugin, WebPImagePlugin  # noqa: F401  # loaded while files can be opened

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MAX_BYTES = 5 * 2**20
MAX_PIXELS = 20_000_000
MEMORY = 512 * 2**20
CPU_SECONDS = 5
SIDE = 1000
"""The longer side of what comes out, in pixels."""

HEADER = struct.Struct(">II")
NOT_A_PICTURE, TOO_MANY_PIXELS = 3, 4
"""Exit codes. Any other that is not 0 means that a limit was hit."""


def warm_up() -> None:
    """Decode a dot of each kind: Pillow loads some of its parts when it first needs them, and soon nothing can be loaded."""
    for kind in FORMATS:
        dot = io.BytesIO()
        Image.new("RGB", (1, 1)).save(dot, kind)
        decode(dot.getvalue())


def limit() -> None:
    """Give up what decoding does not need."""
    limits = {resource.RLIMIT_AS: MEMORY, resource.RLIMIT_CPU: CPU_SECONDS, resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0}
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # stdin, stdout, stderr: nothing else can be opened, no socket either


def decode(data: bytes) -> Image.Image:
    """A picture in RGB, upright, its longer side at most `SIDE`; of a moving one the first frame.

    Raises:
        Image.DecompressionBombError: it has too many pixels.
        OSError, SyntaxError, ValueError, EOFError: it is no picture of the known formats, or broken.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        picture.draft("RGB", (SIDE, SIDE))
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    if upright.has_transparency_data:
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
    return upright.convert("RGB")


def main() -> int:
    warm_up()
    limit()
    try:
        picture = decode(sys.stdin.buffer.read(MAX_BYTES + 1))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return TOO_MANY_PIXELS
    except (OSError, SyntaxError, ValueError, EOFError):
        return NOT_A_PICTURE
    sys.stdout.buffer.write(HEADER.pack(*picture.size) + picture.tobytes())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
