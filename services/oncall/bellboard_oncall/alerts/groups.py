"""What a group of alerts is, and how what comes in changes it: pure, without I/O, clock or chance.

Deliveries may come twice, out of order, and by two replicas at once. So of each alert no more is remembered than the
last place at which it was said to fire, and the last at which it was said to be over; the larger of both counts. Whatever
comes twice or late changes nothing that a later word has settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from .model import Alert, Notice, Route, brief, digest

MOST = 10_000
"""Alerts of a group that are told apart. Of those beyond, no more is known than that there were some."""

LISTED = 12
"""Alerts of a group whose words are kept."""

LATE = 3600.0
"""Seconds for which what is over is still told apart, so that a late word about it is known to be late."""

Marked = tuple[int, int]
"""The last places at which an alert was said to fire, and to be over; 0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of alerts, and its newest episode: from the first alert that fires until all are over.

    Attributes:
        key: its own, of all webhooks.
        episode: its number, from 1; 0 before the first. ``id``: its mark, such as A3.
        base: the place where all that belonged to earlier episodes ends.
        opened, ended: when this one was first seen, and seen to be over; 0: it is not.
        since: when its first alert began to fire, as the sender says.
        marked: what is remembered of each alert; see `Marked`.
        listed: the words of some.
        beyond, left_out: how many alerts of one delivery were not told apart, and how many the sender left out.
        newest: the place of the newest word that ``title`` and so on are from.
        claim: the id of the command that is about to tell of it; claimed: since when.
        card: the card's id; empty while it has none. behind: something has changed since it was told of.
        page: the id of its page; acked_by, acked_at: who takes care of it.
        flood: it gets no card of its own: it came with too many others.
        last_id, last_card: those of the episode before this one, while its card does not say yet that it is over.
    """

    key: str
    episode: int = 0
    id: str = ""
    base: int = 0
    opened: float = 0.0
    ended: float = 0.0
    since: float = 0.0
    marked: Mapping[bytes, Marked] = field(default_factory=dict)
    listed: Mapping[str, Alert] = field(default_factory=dict)
    beyond: int = 0
    left_out: int = 0
    newest: int = 0
    title: str = ""
    summary: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    silencer: bool = False
    firing: int = 0
    over: int = 0
    route: Route = field(default_factory=Route)
    claim: str = ""
    claimed: float = 0.0
    card: str = ""
    behind: bool = False
    page: str = ""
    acked_by: str = ""
    acked_at: float = 0.0
    flood: bool = False
    last_id: str = ""
    last_card: str = ""

    @property
    def name(self) -> str:
        """What it is called in the bot's memory."""
        return digest(self.key)

    @property
    def open(self) -> bool:
        """Whether it burns."""
        return self.episode > 0 and not self.ended

    def label(self, names: Iterable[str]) -> str:
        """The first of these labels that it has; empty if it has none."""
        return next((self.labels[name] for name in names if name in self.labels), "")

    @property
    def shared(self) -> dict[str, str]:
        """The labels that its alerts share. A sender that tells of one alert at a time says only what that one has."""
        listed = () if self.silencer else self.listed.values()
        return {name: value for name, value in self.labels.items() if all(one.labels.get(name) == value for one in listed)}

    @property
    def severity(self) -> str:
        """How bad it is, as its labels say."""
        return self.label(("severity", "priority", "level")).lower()


def mark(fingerprint: str) -> bytes:
    """An alert's name among those of its group."""
    return blake2b(fingerprint.encode("utf-8", "surrogatepass"), digest_size=6).digest()


def merge(group: Group, notices: Sequence[Notice], now: float) -> Group:
    """The group after some deliveries about it. The same ones again change nothing."""
    for notice in sorted(notices, key=lambda one: one.place):
        group = _merged(group, notice, now)
    return group


def _merged(group: Group, notice: Notice, now: float) -> Group:
    marked, listed, beyond = dict(group.marked), dict(group.listed), 0
    if not group.open and group.ended and now - group.ended > LATE:
        marked = {name: places for name, places in marked.items() if places[0] > places[1]}
    firing, over = group.firing, group.over
    for alert in notice.alerts:
        name = mark(alert.fingerprint)
        if name not in marked and len(marked) >= MOST:
            beyond += 1
            continue
        before = marked.get(name, (0, 0))
        after = _later(before, alert, notice.place)
        marked[name] = after
        firing += _fires(after) - _fires(before)
        over += _is_over(after, group.base) - _is_over(before, group.base)
        if notice.place >= max(before) and (alert.firing or after[0] > group.base or alert.fingerprint in listed):
            _list(listed, alert)
    group = replace(group, marked=marked, listed=listed, beyond=max(beyond, group.beyond), firing=firing, over=over)
    return _settled(_told(group, notice), notice, now)


def _later(before: Marked, alert: Alert, place: int) -> Marked:
    fired, over = before
    return (max(fired, place), over) if alert.firing else (fired, max(over, place))


def _fires(places: Marked) -> bool:
    return places[0] > places[1]


def _is_over(places: Marked, base: int) -> bool:
    """Whether it fired in this episode, and is over."""
    return base < places[0] <= places[1]


def _list(listed: dict[str, Alert], alert: Alert) -> None:
    """Keep an alert's words. Which ones are kept where there are too many does not depend on the order they came in."""
    listed[alert.fingerprint] = brief(alert)
    if len(listed) > LISTED:
        del listed[max(listed, key=mark)]


def _told(group: Group, notice: Notice) -> Group:
    """What the newest delivery says of the group as a whole."""
    if notice.place <= group.newest:
        return group
    return replace(
        group,
        newest=notice.place,
        title=notice.title,
        summary=notice.summary or group.summary,
        labels=notice.labels or group.labels,
        url=notice.url,
        left_out=notice.left_out,
        silencer=notice.silencer,
    )


def _settled(group: Group, notice: Notice, now: float) -> Group:
    """Begin an episode if something fires, or fired and is over already; end it when all is over."""
    if not group.open and (group.firing or any(fired > group.base for fired, _ in group.marked.values())):
        group = _begun(group, notice, now)
    starts = [one.starts for one in notice.alerts if one.firing]
    if group.open and starts:
        group = replace(group, since=min([*starts, *([group.since] if group.since else [])]))
    if group.open and not group.firing:
        base = max(max(places) for places in group.marked.values())
        group = replace(group, ended=now, base=base)
    return group


def _begun(group: Group, notice: Notice, now: float) -> Group:
    """A new episode: nothing that was done about the last one is about this one."""
    here = {one.fingerprint for one in notice.alerts}
    listed = {name: one for name, one in group.listed.items() if name in here or _fires(group.marked.get(mark(name), (0, 0)))}
    over = sum(_is_over(places, group.base) for places in group.marked.values())
    return Group(
        key=group.key,
        episode=group.episode + 1,
        base=group.base,
        opened=now,
        marked=group.marked,
        listed=listed,
        left_out=group.left_out,
        newest=group.newest,
        title=group.title,
        summary=group.summary,
        labels=group.labels,
        url=group.url,
        silencer=group.silencer,
        firing=group.firing,
        over=over,
        route=group.route,
        last_id=group.id or group.last_id,
        last_card=group.card or group.last_card,
    )


def closed(group: Group, now: float, still: frozenset[str] = frozenset()) -> Group:
    """The group once somebody has said that all but some of its alerts are over.

    That word is later than all that came, and earlier than all to come. ``still``: the fingerprints of those that burn on.
    """
    if not group.open:
        return group
    burning = {mark(fingerprint) for fingerprint in still}
    marked = {
        name: (fired, fired + 1) if fired > over and name not in burning else (fired, over)
        for name, (fired, over) in group.marked.items()
    }
    if marked == group.marked and group.firing:
        return group
    firing = sum(map(_fires, marked.values()))
    count = sum(_is_over(places, group.base) for places in marked.values())
    left = replace(group, marked=marked, firing=firing, over=count)
    return left if firing else replace(left, ended=now, base=max(max(places) for places in marked.values()), beyond=0)


def seen(group: Group) -> tuple[object, ...]:
    """What people see of it: if that is the same, its card is."""
    states = tuple(sorted((name, one.firing) for name, one in group.listed.items()))
    told = (group.title, group.summary, group.left_out, group.beyond, tuple(sorted(group.labels.items())))
    return group.id, group.open, group.firing, group.over, group.page, group.acked_by, states, told
