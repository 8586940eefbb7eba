"""The parts of the gateway, put together over one bus."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bellboard import Providers
from bellboard.api.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from bellboard.blobs import Blobs
from bellboard.bus import Bus
from bellboard.envelope import Signer, Verifier
from bellboard.errors import SettingsError
from bellboard.history import History
from bellboard.ledger.ops import World
from bellboard.ledger.store import Store
from bellboard.marks.bus import BusMarks
from bellboard.presence import Presence
from bellboard.rpc import Server
from bellboard.telemetry.otlp import SpanSender
from bellboard.worker import Admission, Limits, Worker
from bellboard.worker.services import Means

from . import house
from .adapters.web import Web
from .adapters.web_door import GatewayDoor
from .adapters.web_feeds import WebFeeds
from .api import Api
from .asks import Asks
from .board import Board
from .dispatch import Dispatch
from .door import Door
from .enrolments import HOUSE, Enrolments
from .hooks import HookDoor, Hooks, Pump, watch
from .inbox import Inbox
from .listening import Listener
from .people import People
from .pipes import Pipes
from .policy import Policy
from .registry import Registry
from .rooms import Rooms
from .settings import GatewaySettings
from .signin import SignIn
from .ticks import Ticks
from .timers import Timers
from .trackers import Trackers

KEY_BYTES = 32


@dataclass
class Files:
    """What the gateway reads from disk, all of it checked before the bus is touched.

    Raises:
        SettingsError: a file is missing or wrong.
    """

    settings: GatewaySettings
    people: People = field(init=False)
    enrolments: Enrolments = field(init=False)
    policy: Policy = field(init=False)
    hooks: Hooks = field(init=False)
    trackers: Trackers = field(init=False)
    signer: Signer = field(init=False)
    verifier: Verifier = field(init=False)
    session_key: bytes = field(init=False)
    box_key: bytes = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.people = People(settings.people_file)
        self.enrolments = Enrolments(settings.enrolled_file)
        self.policy = Policy(settings.policy_dir, self.people, lambda: self.enrolments.bots)
        self.trackers = Trackers(settings.trackers_file)
        self.hooks = watch(settings.hooks_file)
        self.signer = Signer.from_file(settings.key_id, settings.sign_key_file)
        self.verifier = Verifier.from_file(settings.trust_file)
        self.session_key = _read(settings.session_key_file)
        try:
            self.box_key = base64.b64decode(_read(settings.box_key_file), validate=True)
        except binascii.Error:
            raise SettingsError(f"{settings.box_key_file} holds no key in base64") from None
        if len(self.session_key) < KEY_BYTES or len(self.box_key) != KEY_BYTES:
            raise SettingsError("the session key or the box key is too short", hint="each has at least 32 bytes")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None


class Gateway:
    """All parts, on one bus."""

    def __init__(self, files: Files, bus: Bus, spans: SpanSender, history: History) -> None:
        settings, self.history = files.settings, history
        self.settings, self.bus, self.people = settings, bus, files.people
        self.blobs = Blobs(bus, "gw")
        self.board = Board(bus, self.blobs, spans=spans, history=history, trace_url=settings.trace_url)
        self.rooms = Rooms(bus, self.blobs, self.board)
        self.registry = Registry(bus, files.enrolments, files.policy, house.bot.contract)
        self.dispatch = Dispatch(settings.team, bus, self.registry, files.policy, files.signer, history)
        self.inbox = Inbox(files.people, self.registry, self.dispatch, self.board, self.rooms)
        asks = Asks(self.board, self.dispatch, self.inbox)
        self.timers, self.ticks = Timers(bus, asks), Ticks(self.board, self.dispatch, self.inbox)
        self.door = Door(bus, self.board, self.dispatch, self.inbox, asks, self.timers)
        self.pipes = Pipes(self.board, self.dispatch, self.inbox, self.blobs)
        self.pump = Pump(files.hooks, bus, self.blobs, self.registry, self.board, self.dispatch)
        self.hook_door = HookDoor(files.hooks, bus, self.blobs, self.pump.wake)
        parts = (files.people, files.policy, self.registry, self.board, self.dispatch, self.inbox)
        self.hall = house.Hall(*parts, files.trackers, BusMarks(bus, HOUSE), history)
        self.providers = Providers()
        self.providers.register(house.Hall, lambda: self.hall)
        self.worker = self._worker(files, spans)
        self.presence = Presence(bus, house.bot.contract, settings.replica, self.worker.in_flight, lambda: history.lost)
        self.sign_in = SignIn(files.session_key)
        self.web = Web(
            board=self.board,
            rooms=self.rooms,
            people=files.people,
            door=GatewayDoor(self.inbox, self.rooms, Listener(self.inbox)),
            sign_in=self.sign_in,
            bus=bus,
            blobs=self.blobs,
            hosts=[settings.web_host],
            public_url=settings.public_url,
            version=house.bot.contract.version,
            more=[*self.hook_door.routes(), *WebFeeds(bus).routes()],
        )
        api = Api(
            settings.replica, files.people, files.policy, self.registry, self.board, self.inbox, self.problems, settings.alone
        )
        service = gateway_pb2.DESCRIPTOR.services_by_name["GatewayService"]
        self.rpc = Server(service, partial(gateway_pb2_grpc.add_GatewayServiceServicer_to_server, api), self.ill)

    def _worker(self, files: Files, spans: SpanSender) -> Worker:
        """Runs the gateway's own commands, by the same rules as any bot."""
        settings = self.settings
        admission = Admission(
            house.bot.contract, files.verifier, team=settings.team, replica=settings.replica, box_key=files.box_key
        )
        means = Means(self.bus, Blobs(self.bus, HOUSE), spans)
        limits = Limits(settings.max_reads, settings.max_work)
        return Worker(house.bot, Store(self.bus, "worker"), means, admission, self.providers, limits, World())

    def problems(self) -> list[str]:
        """What an operator should look after, one line each."""
        lost = [self.history.safe_mode] if self.history.lost else []
        return [*lost, *self.registry.losses, *self.pump.problems()]

    def ill(self) -> str | None:
        """What keeps the gateway from taking lines; None if nothing does."""
        if not self.registry.reachable:
            return "the bus does not answer"
        return self.board.health() or self.registry.health()
