"""Makes the desk: what stands in files and what was remembered, put together once per process."""

from __future__ import annotations

from collections.abc import Mapping

from bellboard.feeds import Feeds
from bellboard.keep import Keep
from bellboard.marks import Marks

from ..settings import Settings
from .book import Book, Reader
from .desk import GOOD_FILE, Desk
from .outside import Schedules
from .outside.cache import Cache
from .outside.ical import Ical
from .outside.opsgenie import Opsgenie
from .outside.pagerduty import PagerDuty


async def open_desk(settings: Settings, readers: Mapping[str, Reader], keep: Keep, marks: Marks, feeds: Feeds) -> Desk:
    """The desk over these files. ``readers``: who reads the parts of the file that are not rotas. Raises BusError."""
    kept = await keep.get(GOOD_FILE)
    remembered = kept.value.decode() if kept else ""
    book = Book(settings.oncall_file, settings.people_file, readers, remembered=remembered)
    kinds: dict[str, Schedules] = {"ical": Ical(), "opsgenie": Opsgenie(), "pagerduty": PagerDuty()}
    return Desk(book, keep, marks, feeds, Cache(kinds, keep), web_url=settings.web_url)
