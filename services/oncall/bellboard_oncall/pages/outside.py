"""Mail, SMS gateways and a hundred others, by apprise, which is loaded when the first message goes out."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from .sending import SECONDS, Notice, NotSent, Unclear

THREADS = 32

CONNECT, READ = 6.0, 12.0
"""Seconds for a connection and for an answer, where the address says nothing else. Apprise's own are too short for some."""


class Outside:
    """Sends to whatever apprise has an address for. Its calls block, so each has a thread of its own."""

    again = False

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._loaded = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="notify")

    async def prepare(self) -> None:
        """Load apprise, once: 1 s of CPU time and 47 MB, more on a busy machine."""
        if not self._loaded:
            await asyncio.get_running_loop().run_in_executor(self._threads, _load)
            self._loaded = True

    async def send(self, address: str, notice: Notice) -> None:
        """Send it, once. The address is an apprise URL; it is never shown.

        Raises:
            NotSent: there was no connection, or the other side refused it.
            Unclear: there was no clear answer in time.
        """
        job = self._threads.submit(copy_context().run, _send, address, notice)
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(job)), self._seconds)
        except TimeoutError:
            if job.cancel():
                raise NotSent("too much is being sent at once") from None
            raise Unclear(f"no answer within {self._seconds:g} s") from None

    def close(self) -> None:
        """Let no further message begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _load() -> None:
    """In a thread: its plugins are read with the first address."""
    import apprise

    apprise.Apprise.instantiate("json://localhost")


def _send(address: str, notice: Notice) -> None:
    """In a thread."""
    import apprise

    from .witness import watched

    asset = apprise.AppriseAsset(app_id="Bellboard", app_desc="Bellboard", app_url="", storage_mode="memory")
    service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if service is None:
        raise NotSent("that is no address that can be sent to")
    for name, seconds in (("socket_connect_timeout", CONNECT), ("socket_read_timeout", READ)):
        if getattr(service, name) == getattr(type(service), name):
            setattr(service, name, seconds)
    words = f"{notice.words}\n{notice.url}" if notice.url else notice.words
    with watched() as testimony:
        try:
            done = service.notify(
                body=words, title=notice.title, notify_type=apprise.NotifyType.FAILURE, body_format=apprise.NotifyFormat.TEXT
            )
        except TypeError:  # apprise's own word for a message that it can't send
            done = False
    if done:
        return
    if testimony.nothing_sent:
        raise NotSent(f"{service.service_name} did not take it")
    raise Unclear(f"{service.service_name} gave no clear answer")
