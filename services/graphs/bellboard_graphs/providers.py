"""What the bot needs from outside: where metrics come from, and someone who draws."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bellboard import Providers
from bellboard.ranges import Span

from .catalogue import Catalogue, Wanted
from .series import Series
from .settings import Settings


class MetricSource(Protocol):
    """Where metrics come from."""

    async def series(self, wanted: Wanted, span: Span, step: float) -> Sequence[Series]:
        """What the catalogue means by a short name, for one app.

        Args:
            span: from when to when; what is not known of it has no values.
            step: seconds from point to point.

        Returns:
            One line, or one for each value of the label that splits it; none where nothing is known.

        Raises:
            UserError: this source has no such measure, or can't split it.
            ProviderError: it can't be reached, or did not answer the question.
        """


class QuerySource(MetricSource, Protocol):
    """A source with a language of its own."""

    async def ask(self, query: str, span: Span, step: float) -> Sequence[Series]:
        """What a query gives. Raises as `series` does; UserError also where none is set up, or it does not understand it."""


class Prometheus(QuerySource, Protocol):
    """A source that takes PromQL."""


class Graphite(QuerySource, Protocol):
    """A source that takes targets of Graphite."""


class Painter(Protocol):
    """Draws charts."""

    async def draw(self, spec: str) -> bytes:
        """A Vega-Lite specification as a PNG, twice as large as it says.

        Raises:
            Failed: it can't be drawn, or takes too long.
        """


def register(providers: Providers, settings: Settings) -> None:
    """Say how each provider is made."""
    catalogue = Catalogue.read(settings.catalogue_file)
    providers.register(Catalogue, lambda: catalogue)
    providers.rehearse(Catalogue, lambda: Catalogue(catalogue.entries))
    providers.register(Prometheus, lambda: _prometheus(settings))
    providers.register(Graphite, lambda: _graphite(settings))
    providers.register(MetricSource, lambda: _source(settings, catalogue))
    providers.rehearse(MetricSource, lambda: _twin(settings, catalogue))
    providers.register(Painter, lambda: _painter(settings))
    providers.rehearse(Painter, lambda: _painter(settings))


# Each of them imports this module, so they are imported when they are made.


def _source(settings: Settings, catalogue: Catalogue) -> AbstractAsyncContextManager[MetricSource]:
    if settings.metrics == "prometheus":
        return _prometheus(settings)
    if settings.metrics == "graphite":
        return _graphite(settings)
    from .embedded import embedded

    return embedded(settings, catalogue)


def _twin(settings: Settings, catalogue: Catalogue) -> AbstractAsyncContextManager[MetricSource]:
    from .embedded import sandboxed

    return sandboxed(settings, catalogue)


def _prometheus(settings: Settings) -> AbstractAsyncContextManager[QuerySource]:
    from .prometheus import prometheus

    return prometheus(settings)


def _graphite(settings: Settings) -> AbstractAsyncContextManager[QuerySource]:
    from .graphite import graphite

    return graphite(settings)


def _painter(settings: Settings) -> AbstractAsyncContextManager[Painter]:
    from .painter import painter

    return painter(settings.draw_seconds)
