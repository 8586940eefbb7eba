"""PagerDuty's Events API v2. The page's id is the key by which it knows the same event again, so sending twice does no harm."""

from __future__ import annotations

import aiohttp

from .sending import SECONDS, Notice, NotSent, Unclear

PASSING = frozenset({429, *range(500, 600)})


class PagerDuty:
    """Triggers, acknowledges and resolves incidents; the address is ``KEY URL``, the integration's key and where to send it."""

    again = True

    def __init__(self, team: str, seconds: float = SECONDS) -> None:
        self._team, self._seconds = team, seconds

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def send(self, address: str, notice: Notice) -> None:
        """Send an event.

        Raises:
            NotSent: it was refused, or can't be reached.
            Unclear: there was no clear answer; sending it again does no harm.
        """
        key, _, url = address.partition(" ")
        event = {"routing_key": key, "event_action": notice.event, "dedup_key": f"bellboard-{self._team}-{notice.key}"}
        if notice.event == "trigger":
            event |= {"client": "Bellboard", **({"client_url": notice.url} if notice.url else {})}
            details = {"summary": notice.title[:1024], "source": "bellboard", "severity": "critical"}
            event |= {"payload": {**details, "custom_details": {"words": notice.words}}}  # type: ignore[dict-item]
        limit = aiohttp.ClientTimeout(total=self._seconds)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(url, json=event, allow_redirects=False) as answer,
            ):
                status = answer.status
        except aiohttp.ClientConnectorError:
            raise NotSent("PagerDuty can't be reached") from None
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise Unclear("PagerDuty gave no clear answer") from None
        if status in PASSING:
            raise Unclear(f"PagerDuty answered {status}")
        if status != 202:
            raise NotSent(f"PagerDuty answered {status}")
