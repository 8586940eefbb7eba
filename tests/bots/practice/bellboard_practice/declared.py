"""The practice bot, declared; its commands stand in the files beside this one."""

from __future__ import annotations

from bellboard import Bot

from .v1 import practice_pb2

bot = Bot(practice_pb2.DESCRIPTOR.services_by_name["PracticeService"], version="0.1.0")
