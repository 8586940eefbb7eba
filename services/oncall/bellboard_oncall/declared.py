"""The on-call bot, declared; its commands stand in the folders beside this file."""

from __future__ import annotations

from bellboard import Bot
from bellboard.api.oncall.v1 import oncall_pb2

bot = Bot(oncall_pb2.DESCRIPTOR.services_by_name["OncallService"], version="0.1.0")
