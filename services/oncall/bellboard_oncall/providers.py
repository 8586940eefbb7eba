"""What the on-call bot needs from outside, and how it is made."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bellboard import Providers
from bellboard.feeds import Feeds
from bellboard.keep import Keep
from bellboard.marks import Marks

from .alerts.desk import Desk as Alerts
from .alerts.desk import opened
from .alerts.desk import rehearsed as heard
from .given import Given
from .pages.making import real, rehearsed
from .pages.policy import read_contacts, read_notifiers, read_policies
from .pages.work import Desk as Pages
from .rota import Rota
from .rota.desk import Desk
from .rota.open import open_desk
from .settings import Settings


def register(providers: Providers, settings: Settings) -> None:
    """Register what the commands ask for. A rehearsing command has the same files, and nothing that others remember."""

    async def desk() -> Desk:
        return await open_desk(settings, READERS, providers.get(Keep), providers.get(Marks), providers.get(Feeds))

    providers.register(Desk, desk)
    providers.rehearse(Desk, desk)
    providers.register(Rota, lambda: providers.get(Desk))
    providers.rehearse(Rota, lambda: providers.get(Desk))
    providers.register(Pages, lambda: real(settings, providers.get(Keep), providers.get(Marks), providers.get(Desk)))
    providers.rehearse(Pages, lambda: rehearsed(providers.get(Keep), providers.get(Marks), providers.get(Desk)))
    files = settings.alerts_file, settings.people_file
    providers.register(Alerts, lambda: opened(*files, providers.get(Desk), providers.get(Keep), providers.get(Marks)))
    providers.rehearse(Alerts, lambda: heard(*files, providers.get(Desk), providers.get(Keep), providers.get(Marks)))


def _notifiers(given: Given | None, people: Collection[str]) -> Any:
    return read_notifiers(given)


READERS = {"policies": read_policies, "contacts": read_contacts, "notifiers": _notifiers}
"""Who reads the parts of the file that are not rotas."""
