"""`oncall import`: what a schedule elsewhere says, shown as a rota for the file; nothing is changed by it."""

from __future__ import annotations

from bellboard import Block, Call, ProviderError, UserError, code, table, text
from bellboard.replies import WARNING

from .desk import Desk
from .outside import calendar_kind
from .outside.fetch import check
from .times import Clock, moment

WEEK = 7 * 86400.0


async def show(call: Call, desk: Desk, source: str) -> list[Block]:
    """What stands at an address, or what the calendar of a team said last."""
    if source.startswith(("http://", "https://")):
        check(source, public=True)
        return await _written(desk, source)
    rota = desk.rota(source)
    if rota.outside is None:
        return [text(f"the rota of {rota.team.name} is our own: it stands in the file, and nothing has to be imported")]
    found = await desk.base(rota, call.at, call.at + WEEK)
    clock = Clock(desk.zone(call.person, rota.team), call.at)
    head = f"{rota.team.name} follows {rota.outside.kind}; the week ahead, until {clock.zoned(call.at + WEEK)}"
    if not found:
        return [text(f"{head}: nobody", tone=WARNING), *desk.warnings(rota)]
    rows = [(one.person, moment(one.start), moment(one.end)) for one in found]
    return [text(head), table(["person", "from", "until"], rows), *desk.warnings(rota)]


async def _written(desk: Desk, source: str) -> list[Block]:
    tried: list[str] = []
    for kind in calendar_kind(source):
        try:
            said = await desk.cache().kind(kind).written(source)
        except UserError as error:
            tried.append(error.text)
            continue
        words = f"as {kind} has it; put it into the file of rotas, with our people in place of theirs"
        return [text(words), code(said, language="yaml")]
    raise ProviderError(f"nothing there can be understood: {'; '.join(tried)}", hint="an iCalendar, or an export of Opsgenie")
