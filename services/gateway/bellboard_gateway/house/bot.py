"""The bot that is the gateway itself."""

from __future__ import annotations

from importlib.metadata import version

from bellboard import Bot
from bellboard.api.gateway.v1 import house_pb2

bot = Bot(house_pb2.DESCRIPTOR.services_by_name["HouseService"], version=version("bellboard-gateway"))
