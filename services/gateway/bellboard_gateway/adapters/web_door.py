"""What the web room needs from the rest of the gateway: take a line, complete one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from google.protobuf.json_format import MessageToDict

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.errors import BusUnavailable, Refused, TooLarge, Unconfirmed, UserError

from .. import stages
from ..inbox import Inbox
from ..lines import Command, Line, Misunderstood, NotAccepted, Talk
from ..listening import Listener
from ..rooms import Rooms

SYSTEM = "web"


@dataclass(frozen=True, slots=True)
class Said:
    """What a person typed in a browser.

    Attributes:
        id: the message's id, made by the browser; sent again with the same id it is the same line.
        explicit: it is a command even if it does not look like one (a button's line).
        talk: it is talk even if it looks like a command ("say it anyway").
    """

    id: str
    room: str
    person: str
    text: str
    thread: str = ""
    explicit: bool = False
    talk: bool = False
    uploads: tuple[chat.BlobRef, ...] = ()


class Door(Protocol):
    """Where lines go."""

    async def say(self, said: Said) -> dict[str, Any]:
        """Take a line; the verdict as the browser is told it (see `web_socket`)."""

    async def rehearses(self, room: str) -> str:
        """Who had a room rehearse; empty if it does not. Raises BusError where that can't be known now."""

    def complete(self, said: Said, cursor: int) -> list[dict[str, Any]]:
        """What may stand from ``start`` to the cursor: ``text``, and one line of ``help``."""


class GatewayDoor:
    """The way into the gateway proper."""

    def __init__(self, inbox: Inbox, rooms: Rooms, listener: Listener) -> None:
        self._inbox, self._rooms, self._listener = inbox, rooms, listener

    async def rehearses(self, room: str) -> str:
        return await self._inbox.dispatch.rehearsals.by(room)

    async def say(self, said: Said) -> dict[str, Any]:
        line = Line(
            system=SYSTEM,
            workspace="",
            room=said.room,
            message=said.id,
            person=said.person,
            text=said.text,
            thread=said.thread,
            explicit=said.explicit,
            uploads=said.uploads,
        )
        if said.talk:
            return await self._talk(said, line)
        match await self._inbox.take(line) if said.text.strip() else Talk():
            case Command(id=id):
                if said.uploads:  # the room sees what was uploaded, and it is the room's last picture
                    await self._store(replace(said, id=f"{said.id}-up"[:64], text=""))
                return {"kind": "command", "command_id": id}
            case Misunderstood(why=why):
                return {"kind": "misunderstood", "not_understood": MessageToDict(why, preserving_proto_field_name=True)}
            case NotAccepted(reason=reason, final=final):
                return not_accepted(reason, final=final)
            case Talk():
                return await self._talk(said, line)

    async def _talk(self, said: Said, line: Line) -> dict[str, Any]:
        """Store a line of talk, then listen to it."""
        verdict = await self._store(said)
        if verdict["kind"] != "talk" or not said.text.strip():
            return verdict
        if offered := await self._listener.heard(line, meant_as_talk=said.talk):
            verdict["blocks"] = [MessageToDict(block, preserving_proto_field_name=True) for block in offered]
        return verdict

    async def _store(self, said: Said) -> dict[str, Any]:
        if not said.text.strip() and not said.uploads:
            return not_accepted("there is nothing in it", final=True)
        try:
            stands = await self._rooms.say(
                room=said.room,
                message=said.id,
                person=said.person,
                text=said.text,
                thread=said.thread,
                uploads=said.uploads,
            )
        except (UserError, TooLarge, Refused) as error:
            return not_accepted(str(error), final=True)
        except (Unconfirmed, BusUnavailable) as error:
            return not_accepted(error.text, final=False)
        if (stands.person, stands.text, stands.thread) != (said.person, said.text, said.thread):
            return not_accepted("another line stands under that id", final=True)  # and nobody listens to one that does not
        return {"kind": "talk"}

    def complete(self, said: Said, cursor: int) -> list[dict[str, Any]]:
        text, at = said.text, characters(said.text, cursor)
        scope, start = self._inbox.scope(said.room, said.person), stages.stage_at(text, at)
        offers = self._inbox.registry.complete(text[start:], at - start, scope)
        return [{"text": o.text, "help": o.help, "start": units(text[: start + o.start])} for o in offers]


def units(text: str) -> int:
    """How long a browser takes a text to be: in UTF-16, where most emoji are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def characters(text: str, count: int) -> int:
    """How many characters the first ``count`` units of a text are."""
    return len(text[: max(0, count)].encode("utf-16-le", "surrogatepass")[: 2 * max(0, count)].decode("utf-16-le", "ignore"))


def not_accepted(reason: str, *, final: bool) -> dict[str, Any]:
    """The verdict that a line was not taken; unless ``final``, it is not known yet."""
    return {"kind": "not_accepted", "reason": reason, "final": final}
