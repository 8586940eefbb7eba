"""Drain: finds the patterns of log lines as they come, in one pass (He et al., 2017).

Words that hold a digit are variable from the start. Lines of as many words that begin alike are compared word by word with
the patterns known: where enough words agree the line belongs to that pattern, and words that do not become variable.
"""

from __future__ import annotations

import re
from collections import OrderedDict, defaultdict
from dataclasses import dataclass

SAME = 0.5
"""The share of words that must agree."""

LONGEST = 64
"""Words of a line that are looked at."""

MOST = 2_000
"""Patterns of one app. What fits none of them after that is `OTHER`."""

REMEMBERED = 20_000
"""Masked lines whose pattern is remembered. Most lines differ only in numbers, so this is where the speed comes from."""

ANY = "<*>"
OTHER = "(other)"

_VARIABLE = re.compile(r"(?<!\S)[^\s0-9]*[0-9]\S*")


@dataclass(slots=True, eq=False)
class Cluster:
    """A pattern as it is known so far. ``id`` is the caller's; 0 until it has given one."""

    words: list[str]
    id: int = 0

    @property
    def template(self) -> str:
        return " ".join(self.words)


class Drain:
    """The patterns of one app."""

    def __init__(self) -> None:
        self._leaves: defaultdict[tuple[int, str], list[Cluster]] = defaultdict(list)
        self._memo: OrderedDict[str, Cluster] = OrderedDict()
        self._count = 0
        self._other: Cluster | None = None
        self.changed: set[Cluster] = set()
        """Patterns that are new or have changed; whoever keeps them empties it."""

    def restore(self, template: str, id: int) -> None:
        """Know a pattern that was found earlier."""
        cluster = Cluster(template.split(" "), id)
        if template == OTHER:
            self._other = cluster
        else:
            self._add(cluster)

    def learn(self, message: str) -> Cluster:
        """The pattern that a line belongs to."""
        masked = _VARIABLE.sub(ANY, message) if not message.isalpha() else message
        cluster = self._memo.get(masked)
        if cluster is None:
            cluster = self._find(masked.split()[:LONGEST] or [""])
            self._memo[masked] = cluster
            if len(self._memo) > REMEMBERED:
                self._memo.popitem(last=False)
        return cluster

    def _find(self, words: list[str]) -> Cluster:
        best, most = None, 0.0
        for cluster in self._leaves[len(words), words[0]]:
            alike = sum(map(str.__eq__, cluster.words, words)) / len(words)
            if alike > most:
                best, most = cluster, alike
        if best is not None and most >= SAME:
            self._generalise(best, words)
            return best
        if self._count >= MOST:
            return self._rest()
        return self._add(Cluster(words), new=True)

    def _generalise(self, cluster: Cluster, words: list[str]) -> None:
        merged = [old if old == new else ANY for old, new in zip(cluster.words, words, strict=True)]
        if merged != cluster.words:
            cluster.words = merged
            self.changed.add(cluster)

    def _add(self, cluster: Cluster, *, new: bool = False) -> Cluster:
        self._leaves[len(cluster.words), cluster.words[0]].append(cluster)
        self._count += 1
        if new:
            self.changed.add(cluster)
        return cluster

    def _rest(self) -> Cluster:
        if self._other is None:
            self._other = Cluster([OTHER])
            self.changed.add(self._other)
        return self._other
