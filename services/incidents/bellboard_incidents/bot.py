"""The incidents bot: opened, worked on, closed, and written down by itself."""

from __future__ import annotations

from bellboard import Bot
from bellboard.api.incidents.v1 import incidents_pb2 as pb

bot = Bot(pb.DESCRIPTOR.services_by_name["IncidentsService"], version="0.1.0")
