"""Where escalations are struck: a bus, a gateway, a reaper and two on-call bots as processes, and the world outside."""

from __future__ import annotations

import asyncio
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_string, policy
from pathlib import Path
from unittest.mock import patch

import grpc

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as pb
from bellboard.api.gateway.v1 import gateway_pb2_grpc as stubs
from bellboard.api.ledger.v1 import ledger_pb2
from bellboard.errors import BusError
from bellboard.keep.bus import BusKeep
from bellboard.marks.bus import BusMarks
from bellboard.provision import House, layout
from bellboard.testing import eventually
from bellboard.testing.servers import NatsServer, free_port
from bellboard_cli.bots import own
from bellboard_oncall.pages import engine
from bellboard_oncall.pages.book import Book
from bellboard_oncall.pages.model import Page
from tests.integration.mesh import Mesh, Process
from tests.integration.oncall.sinks import MailSink, WebSink, mail_sink, web_sink

FILE = """
teams:
  payments:
    room: ops
    rota: {{layers: [{{people: [ann, bo], starts: 2020-01-06T09:00, every: 1 week}}]}}
policies:
  default:
    steps:
      - {{notify: ["person:ann"]}}
      - {{notify: ["person:bo"], after: 4s}}
      - {{notify: ["person:cy"], after: 4s}}
contacts:
  ann: {{urls: ["json://127.0.0.1:{web}/ann"]}}
  bo: {{urls: ["mailto://127.0.0.1:{mail}?from=bell@b.example&to=bo@b.example"]}}
  cy: {{urls: ["json://127.0.0.1:{web}/cy", "xml://127.0.0.1:{nobody}/", "json://127.0.0.1:{web}/cy2"]}}
"""
"""Its steps tell ann over HTTP, bo by mail, and cy twice; at a third address nobody listens, so that is tried three times."""

PEOPLE = "people: [{id: ann}, {id: bo}, {id: cy}]\n"
PAGE = re.compile(r"\bP[0-9]+\b")


@dataclass
class Escalation:
    """One page: the line that began it, how often it had to be typed again, its card, and its id."""

    number: int
    tries: int = 0
    id: str = ""
    card: pb.Card = field(default_factory=pb.Card)


@dataclass
class Ground:
    """A mesh in which people are paged while its processes are killed."""

    house: House
    nats: NatsServer
    processes: Sequence[Process]
    grpc_port: int
    web: WebSink
    mail: MailSink
    struck: Counter[str] = field(default_factory=Counter)

    async def page(self, escalation: Escalation) -> None:
        """Page somebody, and ask again until there is an answer; and once more where that is that it came to nothing."""
        while not escalation.id:
            await self.look(escalation)
            if found := PAGE.search(shown(escalation.card)):
                escalation.id = found[0]
            else:
                assert escalation.card.state in (ledger_pb2.STATE_EXPIRED, ledger_pb2.STATE_FAILED), escalation.card
                escalation.tries += 1

    async def look(self, escalation: Escalation) -> None:
        """Its card as it stands."""
        line = f"page payments escalation {escalation.number}"
        escalation.card = await self.said(line, f"chaos-{escalation.number}-{escalation.tries}")

    async def said(self, line: str, request: str, *, patience: float = 120.0) -> pb.Card:
        """The final card of a line, however often it has to be asked for."""
        deadline, last = time.monotonic() + patience, ""
        asked = pb.RunLineRequest(line=line, room="general", request_id=request)
        metadata = [("authorization", f"Bearer {self.house.local_token()}")]
        while time.monotonic() < deadline:
            try:
                async with grpc.aio.insecure_channel(f"127.0.0.1:{self.grpc_port}") as channel:
                    async for answer in stubs.GatewayServiceStub(channel).RunLine(asked, metadata=metadata, timeout=20.0):
                        if answer.HasField("card") and answer.card.final:
                            return answer.card
                        last = str(answer)
            except grpc.aio.AioRpcError as error:
                last = str(error.code())
            await asyncio.sleep(0.3)
        raise AssertionError(f"{line!r} was not answered: {last}")

    async def storm(self, blows: int, gap: float, seed: int) -> None:
        """kill -9 of one process after another; the next falls when it is there again."""
        dice = random.Random(seed)
        names = ["nats-server", *(one.replica for one in self.processes for _ in range(1 + one.replica.startswith("oncall")))]
        for _ in range(blows):
            await asyncio.sleep(dice.uniform(0.3, 1.7) * gap)
            name = dice.choice(names)
            self.struck[name] += 1
            if name == "nats-server":
                await self.nats.restart()
                continue
            process = next(one for one in self.processes if one.replica == name)
            process.kill()
            await process.ended()
            await process.start(ready=False)
            await process.says("service.ready", 120.0)

    async def book(self) -> tuple[Book, Callable[[], Awaitable[None]]]:
        """What the bot remembers, and how to let it go."""
        bus = await self.nats.bus("oncall")
        return Book(BusKeep(bus, "oncall"), BusMarks(bus, "oncall")), bus.close

    async def pages(self, timeout: float) -> list[Page]:
        """Every page, once all of them have come to the end of their policies."""
        pages: list[Page] = []

        async def over() -> bool:
            nonlocal pages
            try:
                book, close = await self.book()
                try:
                    pages = list(await book.all())
                finally:
                    await close()
            except BusError:
                return False
            await asyncio.sleep(0.5)
            return bool(pages) and all(engine.wake(page) is None for page in pages)

        await eventually(over, timeout, because="some pages never came to their end")
        return pages

    async def settled(self) -> None:
        """Return when nothing is asked of the bot any more: every card has had its last word."""

        async def quiet() -> bool:
            card = await self.said("running --all", f"running-{time.monotonic()}")
            return not re.search(r"\bpage (step|show)\b", shown(card))

        await eventually(quiet, 120.0, because="commands were left that nobody ran")

    async def mentions(self) -> Counter[str]:
        """How often each page was shown on a card of its own in the team's room, by the ledger."""
        found: Counter[str] = Counter()
        bus = await self.nats.bus("gw-2")
        end = await bus.end("LED")
        async for message in bus.follow("LED", filters=["led.>"]):
            record = ledger_pb2.Record.FromString(message.payload)
            if message.subject.endswith(".run") and record.state == ledger_pb2.STATE_RECEIVED:
                envelope = ledger_pb2.Envelope.FromString(record.command.envelope)
                if envelope.line.startswith("page show") and envelope.origin.room == "ops" and not envelope.refresh:
                    found[envelope.line.split()[-1]] += 1
            if message.sequence >= end:
                break
        await bus.close()
        return found

    async def all_mentions(self, wanted: int) -> Counter[str]:
        """The same, once there are as many as were asked for; as they are where that takes too long."""
        found: Counter[str] = Counter()

        async def there() -> bool:
            nonlocal found
            found = await self.mentions()
            return found.total() >= wanted

        with suppress(AssertionError):
            await eventually(there, 120.0)
        return found

    def taken(self) -> Counter[tuple[str, str]]:
        """How often the world outside was told of each page, by page and address."""
        found: Counter[tuple[str, str]] = Counter()
        for path, said in zip(self.web.paths, self.web.taken, strict=True):
            found[PAGE.findall(said["title"])[0], path] += 1
        for mail in self.mail.taken:
            subject = message_from_string(mail, policy=policy.default)["subject"]
            found[PAGE.findall(str(subject))[0], "mail"] += 1
        return found


def shown(card: pb.Card) -> str:
    """All words and cells of a card."""
    words = [block.text.text for block in card.blocks]
    words += [cell.text for block in card.blocks for row in block.table.rows for cell in row.cells]
    return "\n".join(words)


def rows(card: pb.Card) -> list[chat.Row]:
    """The rows of the table of who was told."""
    return [row for block in card.blocks if block.table.title == "who was told" for row in block.table.rows]


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Start everything, and end it afterwards."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bb-chaos-")))
        stack.enter_context(patch.object(layout, "ACK_WAIT", 4))  # what was lost is handed out again sooner
        web = await stack.enter_async_context(web_sink())
        web.wait = 0.3  # long enough for a worker to be killed while it sends
        mail = await stack.enter_async_context(mail_sink())
        house = House(folder / "house")
        house.make(bots=[own("oncall")])
        house.oncall.write_text(FILE.format(web=web.port, mail=mail.port, nobody=free_port()))
        people = folder / "people.yaml"
        people.write_text(PEOPLE)
        nats = NatsServer(house)
        stack.push_async_callback(nats.kill)
        await nats.start()
        await nats.provision()
        mesh = Mesh(house, folder)
        stack.push_async_callback(mesh.close)
        await mesh.reaper(BELLBOARD_GIVE_UP="60")
        port = free_port()
        ports = {"BELLBOARD_GRPC_PORT": str(port), "BELLBOARD_REPLICA": "gw-1"}
        processes = [mesh.service("gw-1", "gateway", "bellboard_gateway", ports)]
        for name in ("oncall-1", "oncall-2"):
            own_env = {"BELLBOARD_REPLICA": name, "BELLBOARD_PEOPLE_FILE": str(people)}
            processes.append(mesh.service("oncall", name, "bellboard_oncall", own_env))
        for process in processes:
            await process.start()
        yield Ground(house, nats, processes, port, web, mail)
