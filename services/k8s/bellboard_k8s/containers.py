"""The containers of a pod, or of what makes pods. Nothing that a variable holds is shown, only what it is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bellboard import Block, table

from .providers import Fields
from .tables import short

MASK = "••••"
MOST_VARIABLES = 30


def containers(object: Fields) -> Block | None:
    """A table of them: image, state, what they ask for, and their variables; None if there are none."""
    spec = _pod_spec(object.get("spec") or {})
    every = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    status = object.get("status") or {}
    states = {
        one.get("name"): one for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    }
    if not every:
        return None
    rows = []
    for one in every:
        state = states.get(one.get("name"), {})
        asked = one.get("resources") or {}
        rows.append(
            (
                short(one.get("name") or ""),
                short(one.get("image") or ""),
                _state(state) if state else None,
                state.get("restartCount"),
                _amounts(asked.get("requests")),
                _amounts(asked.get("limits")),
                ", ".join(_variables(one))[:1000] or None,
            )
        )
    return table(["container", "image", "state", "restarts", "requests", "limits", "variables"], rows)


def _pod_spec(spec: Fields) -> Fields:
    """The pod's own, or that of the pods it makes: a CronJob's is deepest."""
    for inner in ("jobTemplate", "template"):
        if isinstance(spec.get(inner), dict):
            return _pod_spec(spec[inner].get("spec") or {})
    return spec


def _state(status: Fields) -> str:
    """In words, with the reason, and why it ended before."""
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated")
    words = _said(state)
    return f"{words}; before that {_said({'terminated': last})}" if last else words


def _said(state: Fields) -> str:
    for name, more in state.items():
        detail = [str(more[key]) for key in ("reason", "message") if more.get(key)]
        if "exitCode" in more:
            detail.append(f"exit code {more['exitCode']}")
        return short(f"{name}: {', '.join(detail)}" if detail else name)
    return "unknown"


def _amounts(amounts: Any) -> str | None:
    return ", ".join(f"{name} {amount}" for name, amount in (amounts or {}).items()) or None


def _variables(container: Fields) -> Iterator[str]:
    """Their names, and where those come from that stand elsewhere."""
    for one in (container.get("env") or ())[:MOST_VARIABLES]:
        source = one.get("valueFrom") or {}
        secret, settings = source.get("secretKeyRef"), source.get("configMapKeyRef")
        if secret:
            yield f"{one['name']} from the secret {secret.get('name')}"
        elif settings:
            yield f"{one['name']} from the config map {settings.get('name')}"
        else:
            yield f"{one['name']}={MASK}"
    for one in container.get("envFrom") or ():
        for kind, words in (("secretRef", "the secret"), ("configMapRef", "the config map")):
            if kind in one:
                yield f"all of {words} {one[kind].get('name')}"
