"""The catalogue: short names for what is measured, and how each provider is asked for it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bellboard import SettingsError, UserError

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class Embedded(BaseModel):
    """A question to the embedded store.

    Attributes:
        measure: "rate" of a counter per second, "gauge" added up, "share" of a counter in percent, "quantile" of a histogram.
        metric: the metric, without ``_bucket`` for a histogram.
        where: for "share", the labels of the part; a value may end in ``*``.
        quantile: for "quantile", from 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: Literal["rate", "gauge", "share", "quantile"]
    metric: str = Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")
    where: Mapping[str, str] = {}
    quantile: float = Field(default=0.95, ge=0, le=1)


class Entry(BaseModel):
    """What a short name stands for, and how each provider is asked; one that can't be asked is left out.

    In ``promql`` and ``graphite``, ``$app`` is the app, ``$window`` the seconds that one point looks back on, ``$by`` the
    label that splits it; Graphite has no labels, so ``graphite_by`` has a target for each that there is. ``split`` is the label
    that splits it where nobody says one, and several values of it are there: what must not be added up, such as the
    requests of two services that ask each other. Then ``promql`` is not needed. ``unit`` is "%", "s", "bytes", "/s", or empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    unit: Literal["%", "s", "bytes", "/s", ""] = ""
    split: str = ""
    embedded: Embedded | None = None
    promql: str = ""
    promql_by: str = ""
    graphite: str = ""
    graphite_by: Mapping[str, str] = {}


class Wanted(BaseModel):
    """One entry for one app, split by a label or not (`by` is empty)."""

    model_config = ConfigDict(frozen=True)

    entry: Entry
    app: str
    by: str = ""

    @property
    def label(self) -> str:
        """The label that splits it, said or not; empty for none."""
        return self.by or self.entry.split

    def fill(self, template: str, window: float) -> str:
        """A query, its places filled."""
        return Template(template).substitute(app=self.app, by=self.label, window=f"{max(1, round(window))}")


class Catalogue:
    """Entries by their short name."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = entries

    @classmethod
    def read(cls, path: Path | None) -> Catalogue:
        """The catalogue that comes with the bot, and what a file adds to it or puts in place of it.

        Raises:
            SettingsError: a file can't be read, or an entry in it is wrong.
        """
        entries = _parse(files("bellboard_graphs").joinpath("catalogue.yaml").read_text(), "catalogue.yaml")
        if path is not None:
            try:
                entries |= _parse(path.read_text(), path.name)
            except OSError as error:
                raise SettingsError(f"{path} can't be read: {error.strerror}") from error
        return cls(entries)

    def want(self, name: str, app: str, by: str) -> Wanted:
        """One entry for one app.

        Raises:
            UserError: there is no such entry, or a word is none that an app or a label could have.
        """
        entry = self.entries.get(name.lower())
        if entry is None:
            near = difflib.get_close_matches(name.lower(), self.entries, 1)
            hint = f"did you mean {near[0]}?" if near else "see `graph list`"
            raise UserError(f"nothing measured is called “{name[:40]}”", hint=hint)
        if not _WORD.fullmatch(app):
            raise UserError(f"{app[:40]!r} can't be an app", hint="letters, digits, dots and dashes")
        if by and not _LABEL.fullmatch(by):
            raise UserError(f"{by[:40]!r} can't be a label", hint="such as version")
        return Wanted(entry=entry, app=app, by=by)

    def rows(self) -> list[tuple[str, str, str]]:
        """Each name, what it shows, and its unit."""
        return [(name, entry.title, entry.unit) for name, entry in sorted(self.entries.items())]

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that the embedded store has to keep."""
        asked = [entry.embedded for entry in self.entries.values() if entry.embedded]
        return frozenset(f"{one.metric}_bucket" if one.measure == "quantile" else one.metric for one in asked)


def _parse(text: str, name: str) -> dict[str, Entry]:
    try:
        raw = yaml.safe_load(text) or {}
        return {str(key).lower(): Entry.model_validate(value) for key, value in raw.items()}
    except ValidationError as error:
        where = " ".join(str(part) for part in error.errors()[0]["loc"])
        raise SettingsError(f"{name}: {error.title} is wrong at {where}: {error.errors()[0]['msg']}") from None
    except (yaml.YAMLError, AttributeError) as error:
        raise SettingsError(f"{name} is not a YAML file of names and entries") from error
