"""A stage for the web room: the real adapter, board and rooms on a real bus, and commands that the test itself moves."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import yaml

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.blobs import Blobs
from bellboard.bus import Bus
from bellboard.ids import command_id
from bellboard.ledger.ops import Put, Snapshot, Stored, World, timestamp
from bellboard.ledger.state import S
from bellboard.ledger.store import Store
from bellboard.ledger.subjects import Author, Key
from bellboard.provision import House
from bellboard_gateway.adapters.web import Web
from bellboard_gateway.adapters.web_door import Said, not_accepted
from bellboard_gateway.board import Board
from bellboard_gateway.people import People, hash_token
from bellboard_gateway.rooms import Rooms
from bellboard_gateway.signin import SignIn

WORLD = World()
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PEOPLE = {"ann": "Ann Lee", "bo": "Bo Diaz", "cy": "Cy Ito"}
TOKENS = {person: f"token-of-{person}" for person in PEOPLE}
ROOMS = {"general": "General", "ops": "Operations", "play": "Play"}
COMPLETIONS = [
    ("meme", "put words on a picture"),
    ("meme list", "show the templates"),
    ("practice climb", "go through three steps"),
    ("roll", "throw dice"),
]


def write_people(house: House) -> People:
    """A people file with three people, whose tokens are in `TOKENS`."""
    people = [{"id": id, "name": name, "tokens": [hash_token(TOKENS[id])]} for id, name in PEOPLE.items()]
    rooms = [{"id": id, "title": title} for id, title in ROOMS.items()]
    house.people.write_text(yaml.safe_dump({"people": people, "rooms": rooms}))
    return People(house.people)


def envelope(id: str, *, person: str = "ann", room: str = "general", line: str = "practice fire a", **more: Any) -> pb.Envelope:
    """What the gateway would have signed."""
    origin = pb.Origin(system="web", room=room, message=more.pop("message", id), thread=more.pop("thread", ""))
    return pb.Envelope(
        id=id,
        bot=more.pop("bot", "practice"),
        card=more.pop("card", id),
        line=line,
        origin=origin,
        principal=pb.Principal(person=person),
        received_at=timestamp(more.pop("at", time.time())),
        traceparent=TRACE,
        effect=options.EFFECT_ONCE,
        **more,
    )


def text(words: str, **more: Any) -> chat.Block:
    return chat.Block(text=chat.Text(text=words, **more))


def progress_bar(words: str, done: float) -> chat.Block:
    return chat.Block(progress=chat.Progress(text=words, done=done))


@dataclass
class Stage:
    """Everything between the bus and the browser, and the ledger to play upon."""

    bus: Bus
    bot_bus: Bus
    house: House
    bot: str = "practice"
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gateway, self.worker = Store(self.bus, "gateway"), Store(self.bot_bus, "worker")
        self.blobs = Blobs(self.bus, "gw")
        self.board = Board(self.bus, self.blobs)
        self.rooms = Rooms(self.bus, self.blobs, self.board)
        self.people = write_people(self.house)
        self.sign_in = SignIn(b"k" * 32)
        self.web = self.new_web()
        self.at: dict[str, Snapshot] = {}

    def new_web(self, **more: Any) -> Web:
        return Web(
            board=self.board,
            rooms=self.rooms,
            people=self.people,
            door=self,
            sign_in=self.sign_in,
            bus=self.bus,
            blobs=self.blobs,
            version="stage",
            **more,
        )

    def key(self, id: str) -> Key:
        return Key("ops-work", self.bot, id)

    async def accept(self, made: pb.Envelope, state: pb.State.ValueType = S.STATE_RECEIVED, **fields: Any) -> str:
        """Put a command into the ledger, as the gateway does; again is again."""
        author = Author.RUN if state == S.STATE_RECEIVED else Author.GATEWAY
        signed = pb.SignedEnvelope(envelope=made.SerializeToString())
        record = WORLD.record(state, command=signed, effect=made.effect, **fields)
        stored = await self.gateway.put(Put(self.key(made.id), author, record, 0))
        if isinstance(stored, Stored):
            self.at[made.id] = Snapshot(stored.sequence, record)
        return made.id

    async def move(self, id: str, state: pb.State.ValueType, author: Author = Author.BOT, **fields: Any) -> None:
        """Write the next record of a command."""
        seen = self.at[id]
        record = WORLD.record(state, seen.record, **fields)
        if state == S.STATE_STARTED:
            record.started = True
            record.started_at.CopyFrom(record.at)
        store = self.worker if author is Author.BOT else self.gateway
        stored = await store.put(Put(self.key(id), author, record, seen.sequence))
        assert isinstance(stored, Stored), stored
        self.at[id] = Snapshot(stored.sequence, record)

    async def start(self, id: str) -> None:
        await self.move(id, S.STATE_CLAIMED, epoch=1, worker="w1")
        await self.move(id, S.STATE_STARTED)

    async def finish(self, id: str, *blocks: chat.Block, state: pb.State.ValueType = S.STATE_SUCCEEDED, **fields: Any) -> None:
        outcome = pb.Outcome(reply=chat.Reply(blocks=blocks), attempt=fields.pop("attempt", ""))
        await self.move(id, state, outcome=outcome, **fields)

    async def progress(self, id: str, index: int, *blocks: chat.Block, attempt: str = "a1", bot_bus: Bus | None = None) -> None:
        record = pb.ProgressRecord(id=id, attempt=attempt, index=index, blocks=blocks)
        await (bot_bus or self.bot_bus).publish(f"prog.{self.bot}.{id}", record.SerializeToString())

    # --- the door of the web room ---

    async def rehearses(self, room: str) -> str:
        return ""

    async def say(self, said: Said) -> dict[str, Any]:
        self.said.append(said)
        if self.verdicts:
            return self.verdicts.pop(0)
        first = said.text.split(" ", 1)[0]
        if said.talk or first not in ("practice", "meme", "roll", "cancel", "help"):
            await self.rooms.say(
                room=said.room, message=said.id, person=said.person, text=said.text, thread=said.thread, uploads=said.uploads
            )
            return {"kind": "talk"}
        id = command_id("web", "", said.room, said.id)
        made = envelope(id, person=said.person, room=said.room, line=said.text, message=said.id, thread=said.thread)
        await self.accept(made)
        return {"kind": "command", "command_id": id}

    def complete(self, said: Said, cursor: int) -> list[dict[str, Any]]:
        typed = said.text[:cursor]
        return [
            {"text": text, "help": help, "start": 0} for text, help in COMPLETIONS if text.startswith(typed) and text != typed
        ]


__all__ = ["PEOPLE", "TOKENS", "TRACE", "WORLD", "Stage", "envelope", "not_accepted", "progress_bar", "text"]
