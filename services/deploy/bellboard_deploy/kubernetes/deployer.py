"""A namespace of a cluster as an environment: versions take each other's place in its workloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bellboard import Failed, ProviderError, UserError
from bellboard.kube import reasons

from ..environments import nearest
from ..model import Commit, Observed, Tell, Version
from . import changes
from .app import App, Main, Watcher, image_of, look_at
from .seen import is_leaving, replicas, version_of
from .stages import Stages
from .store import KINDS, Store
from .versions import Catalogue, remember
from .waiting import settled

_PAUSABLE = ("deployment", "rollout")


class KubernetesDeployer:
    """A `Deployer`, and `Pausable`.

    The workload stays the one that it is: a version is its image. In a stage below 100 % a Deployment has a canary beside it, a
    StatefulSet is changed from its last pod on, and an Argo Rollout goes its own steps. Each act writes an object once, under a
    fence (`fence.Fence`) and only in the state in which it was seen.

    Args:
        seconds: how long it may take until one more pod is ready.
    """

    name = "kubernetes"

    def __init__(self, store: Store, apps: Sequence[App], catalogue: Catalogue, seconds: float) -> None:
        self._store, self._catalogue, self._seconds = store, catalogue, seconds
        self._apps = {app.name: app for app in apps}
        self._stages = Stages(store, seconds)

    async def apps(self) -> Sequence[str]:
        return tuple(self._apps)

    async def versions(self, app: str) -> Sequence[Version]:
        main = await self._main(app)
        return await self._catalogue.list(app, main.known, main.app.images)

    async def pin(self, app: str, version: str) -> Version:
        main = await self._main(app)
        return await self._catalogue.pin(app, version, main.known, main.app.images)

    async def observe(self, app: str) -> Observed:
        main = await self._main(app)
        pods = await self._store.pods(main.seen.selects)
        trouble = reasons.of_pods(pods) or main.seen.trouble
        why = "its rollout is paused" if main.seen.paused else trouble.text if trouble else ""
        return Observed(tuple(replicas(pods, main.containers, main.app.images)), why)

    async def start(self, app: str, version: Version, count: int, key: str) -> None:
        main = await self._main(app)
        seen = main.seen
        if seen.strategy == "OnDelete":
            raise Failed(f"{seen.name} replaces no pods by itself: its updateStrategy is OnDelete", hint="RollingUpdate does")
        if seen.paused:
            raise Failed(f"{seen.name} is paused", hint=f"kubectl rollout resume {seen.kind} {seen.name}")
        image = main.app.images.pinned(version)
        change = changes.images(seen.kind, main.raw, main.containers, image)
        await self._store.could(seen.kind, seen.name, change)
        noted = remember(main.known, (main.version.name, main.image), (version.name, image))
        await self._store.write(KINDS[seen.kind], seen.name, lambda raw: {"metadata": {"annotations": noted}})
        await self._stages.sweep(main, keep=self._stages.canary(main))

    async def shift(self, app: str, shares: Mapping[str, int]) -> None:
        main = await self._main(app)
        images = {version: image_of(main, version) for version, share in shares.items() if share > 0}
        order = list(main.known)
        *olds, new = sorted(images, key=order.index)
        if olds:
            await self._stages.part(main, images[olds[-1]], images[new], shares[new])
        else:
            await self._stages.whole(main, new, images[new])

    async def retire(self, app: str, keep: str, tell: Tell) -> None:
        main = await self._main(app)
        if main.version.name != keep:
            raise ProviderError(f"{main.seen.name} does not run {keep[:40]}: nothing else is stopped")
        await self._store.write(KINDS[main.seen.kind], main.seen.name, self._closing, last=True)
        tell(f"stopping what is not {keep}", None)
        await self._stages.sweep(main)

        def leaves(pod: reasons.Raw) -> bool:
            """It runs something else, or belonged to a canary."""
            canary = changes.TRACK in (pod["metadata"].get("labels") or {})
            return canary or version_of(pod, main.containers, main.app.images).name != keep

        await self._stages.gone(main, leaves, tell)

    def _closing(self, raw: reasons.Raw) -> Mapping[str, object] | None:
        """What the last act changes: only the fence, and not even that where nothing was begun."""
        return {} if self._store.begun(raw) else None

    async def scale(self, app: str, count: int, key: str, tell: Tell) -> None:
        main = await self._main(app)
        if main.seen.kind == "daemonset":
            raise UserError(f"{main.seen.name} is a DaemonSet: it has a pod on each node", hint="there is nothing to scale")
        change = changes.count(count)
        await self._once(main, change, tell)

    async def restart(self, app: str, key: str, tell: Tell) -> None:
        main = await self._main(app)
        change = changes.restart(main.seen.kind, self._store.order)
        await self._once(main, change, tell)

    async def pause(self, app: str, still: bool) -> None:
        main = await self._main(app)
        if main.seen.kind in _PAUSABLE and main.seen.paused != still:
            change = changes.still(still)
            await self._store.write(KINDS[main.seen.kind], main.seen.name, lambda raw: change)

    async def compare(self, app: str, old: str, new: str) -> Sequence[Commit]:
        return ()

    async def _once(self, main: Main, change: changes.Change, tell: Tell) -> None:
        """A change that is the only one of its command."""
        await self._store.write(KINDS[main.seen.kind], main.seen.name, lambda raw: change, last=True)
        await self._stages.sweep(main)
        watcher = Watcher(self._store, main, main.seen.kind, main.seen.name, main.image)
        await settled(watcher.look, main.seen.name, self._seconds, tell)
        await self._stages.gone(main, is_leaving, tell)

    async def _main(self, app: str) -> Main:
        return await look_at(self._store, known(self._apps, app))


def known(apps: Mapping[str, App], app: str) -> App:
    """An app by its name.

    Raises:
        UserError: there is none.
    """
    if app not in apps:
        raise UserError(f"there is no app “{app[:40]}”", hint=nearest(app, apps))
    return apps[app]
