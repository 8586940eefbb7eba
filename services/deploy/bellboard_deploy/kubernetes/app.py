"""What the file says of an app in a cluster, and the look at it that everything else begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bellboard import ProviderError
from bellboard.kube import reasons
from bellboard.kube.reasons import Raw, Trouble

from ..model import Version
from .images import Images
from .seen import Kind, Seen, containers_of, version_of
from .store import Store
from .versions import remembered
from .waiting import Look


@dataclass(frozen=True, slots=True)
class App:
    """An app.

    Attributes:
        workload: the name of the object, of this kind.
        containers: those that run its image; empty where that is plain.
        service: the Service whose pods can be drained; empty where there is none.
    """

    name: str
    kind: Kind
    workload: str
    images: Images
    containers: tuple[str, ...] = ()
    service: str = ""


@dataclass(frozen=True, slots=True)
class Main:
    """An app's workload at one moment.

    Attributes:
        raw: as the API gives it.
        version: that of its template.
        image: its reference, as it stands there.
        known: the image of each version that can run here, the one that was started last being the last.
    """

    app: App
    raw: Raw
    seen: Seen
    containers: tuple[str, ...]
    version: Version
    image: str
    known: Mapping[str, str]

    def runs(self, image: str) -> bool:
        """Whether the template has this image already, wherever it is to."""
        return all(self.seen.images[name] == image for name in self.containers)


async def look_at(store: Store, app: App) -> Main:
    """An app's workload as it is now.

    Raises:
        KubeAbsent: there is none.
        Failed: it can't be told which of its containers is the app.
    """
    raw, seen = await store.workload(app.kind, app.workload)
    containers = containers_of(seen, app.name, app.containers)
    image = seen.images[containers[0]]
    version = app.images.read(image)
    known = remembered(seen.annotations)
    if version.name not in known:  # somebody else deployed it, before anything that is remembered
        known = {version.name: image, **known}
    return Main(app, raw, seen, containers, version, image, known)


def image_of(main: Main, version: str) -> str:
    """The image of a version that is known here.

    Raises:
        ProviderError: it was not started.
    """
    if version not in main.known:
        raise ProviderError(f"{version[:40]} has no replica that is ready")
    return main.known[version]


class Watcher:
    """Looks at a workload again and again, for `waiting.settled`.

    Args:
        name: of the workload, or of a canary beside it.
        image: that of the pods that are waited for.
        part: how many of them are enough; None: all that it is to have.
    """

    def __init__(self, store: Store, main: Main, kind: Kind, name: str, image: str, part: int | None = None) -> None:
        self._store, self._main, self._kind, self._name = store, main, kind, name
        self._image, self._part = image, part
        self._since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    async def look(self) -> Look:
        """What is seen now."""
        _, seen = await self._store.workload(self._kind, self._name)
        pods = await self._store.pods(seen.selects)
        done = seen.done if self._part is None else seen.partly(self._part)
        mine = [pod for pod in pods if self._runs(pod)]
        ready = sum(reasons.is_ready(pod) for pod in mine)
        wanted = seen.wanted if self._part is None else self._part
        trouble = None if done else await self._trouble(seen, mine)
        return Look(done, min(ready, wanted), wanted, seen.updated, seen.paused, trouble)

    async def _trouble(self, seen: Seen, pods: Sequence[Raw]) -> Trouble | None:
        """What the pods say tells more than what is said of them; hopeless it is if either says so."""
        own = seen.trouble if seen.fresh else None
        said = reasons.of_pods(pods) or reasons.of_events(await self._store.warnings(), self._name, self._since)
        if said is None or own is None:
            return said or own
        return Trouble(said.text, said.certain or own.certain)

    def _runs(self, pod: Raw) -> bool:
        wanted = self._main.app.images.read(self._image)
        return version_of(pod, self._main.containers, self._main.app.images).name == wanted.name
