"""What may be looked at, and the words for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bellboard import UserError
from bellboard.kube import EVERYWHERE

from .providers import Kind
from .settings import Settings

ALL = "all"
"""How people say that they mean every namespace."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Namespaces and kinds that may be looked at; the first namespace is meant where none is said."""

    namespaces: tuple[str, ...]
    kinds: tuple[str, ...]
    everywhere: bool = False

    @classmethod
    def of(cls, settings: Settings, namespace: str) -> Scope:
        """As the settings say; ``namespace`` is the cluster's own."""
        named = tuple(one for one in settings.namespaces if one != EVERYWHERE)
        own = namespace in named or len(named) < len(settings.namespaces) or not named
        first = (namespace, *named) if own else named
        return cls(tuple(dict.fromkeys(first)), settings.kinds, EVERYWHERE in settings.namespaces)

    def where(self, said: str, kind: Kind) -> tuple[str, ...]:
        """The namespaces that are meant: ``*`` for all there are; empty text where the kind is in none.

        Raises:
            UserError: it may not be looked into.
        """
        if not kind.namespaced:
            return ("",)
        if said == ALL:
            return (EVERYWHERE,) if self.everywhere else self.namespaces
        if not said or said in self.namespaces:
            return (said or self.namespaces[0],)
        if self.everywhere:
            return (said,)
        near = get_close_matches(said, self.namespaces, 1)
        hint = f"did you mean {near[0]}?" if near else f"BELLBOARD_NAMESPACES names {', '.join(self.namespaces)[:200]}"
        raise UserError(f"this bot does not look into {said[:63]}", hint=hint)

    def kind(self, word: str, known: Sequence[Kind]) -> Kind:
        """The kind that a word means: its plural, its singular or a short form, with its group or without.

        Raises:
            UserError: there is none, or it may not be looked at.
        """
        said = word.casefold()
        meant = [kind for kind in known if said in kind.names]
        for kind in meant:
            if kind.full in self.kinds:
                return kind
        if meant:
            raise UserError(
                f"this bot does not look at {meant[0].plural}", hint=f"BELLBOARD_KINDS does not name {meant[0].full}"
            )
        near = get_close_matches(said, sorted(self._words(known)), 1)
        hint = f"did you mean {near[0]}?" if near else f"such as {', '.join(self._plurals(known))[:200]}"
        raise UserError(f"there is no kind “{word[:40]}”", hint=hint)

    def _words(self, known: Iterable[Kind]) -> set[str]:
        return {name for kind in known if kind.full in self.kinds for name in kind.names}

    def _plurals(self, known: Iterable[Kind]) -> list[str]:
        return sorted({kind.plural for kind in known if kind.full in self.kinds})
