"""The memes bot: pictures with words on them, and dice. The bot to copy from."""

from __future__ import annotations

from bellboard import Block, Bot, Call, UserError, image, reply, table, text
from bellboard.api.chat.v1.chat_pb2 import BlobRef
from bellboard.api.memes.v1 import memes_pb2 as pb

from .dice import roll as throw
from .providers import Artist, Picture

bot = Bot(pb.DESCRIPTOR.services_by_name["MemesService"], version="0.1.0")

TEMPLATES = {
    pb.TEMPLATE_SHIP_IT: "ship-it",
    pb.TEMPLATE_THIS_IS_FINE: "this-is-fine",
    pb.TEMPLATE_PAGED: "paged",
}


@bot.command
async def make(
    call: Call, template: pb.Template.ValueType, top: str, bottom: str, picture: BlobRef | None, *, artist: Artist
) -> Block:
    """Put words on a picture."""
    if template in TEMPLATES:
        return await _show(call, await artist.meme(template, top, bottom), TEMPLATES[template])
    if picture is None:
        raise UserError("there is no picture to put words on", hint="upload one, then add --on last")
    upload = await call.blobs.get(picture)
    return await _show(call, await artist.caption(upload, top, bottom), "meme")


@bot.command
async def list_(call: Call, *, artist: Artist) -> pb.ListResponse:
    """Show the templates."""
    samples = {template: await artist.sample(template) for template in TEMPLATES}
    rows = [(TEMPLATES[template], sample.shows) for template, sample in samples.items()]
    pictures = [await _show(call, sample, TEMPLATES[template]) for template, sample in samples.items()]
    names = table(["template", "shows"], [*rows, ("picture", "A picture of yours")])
    return pb.ListResponse(reply=reply(names, *pictures), templates=[*TEMPLATES.values(), "picture"])


@bot.command
async def roll(call: Call, dice: str) -> pb.RollResponse:
    """Throw dice."""
    fell = throw(dice, seed=call.id)
    shown = " + ".join(str(die) for die in fell)
    said = text(f"🎲 {shown} = {sum(fell)}" if len(fell) > 1 else f"🎲 {shown}")
    return pb.RollResponse(reply=reply(said), dice=fell, total=sum(fell))


async def _show(call: Call, picture: Picture, name: str) -> Block:
    """Store a picture, and show it."""
    blob = await call.blobs.put(picture.data, media_type="image/jpeg", name=f"{name}.jpg")
    return image(blob, alt=picture.shows, width=picture.width, height=picture.height)
