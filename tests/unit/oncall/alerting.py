"""Alerts for tests: an on-call bot with one team, and what comes in at its webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from bellboard.api.hooks.v1.hooks_pb2 import HookBatch, HookDelivery
from bellboard.api.ledger.v1 import ledger_pb2
from bellboard.ledger.ops import timestamp
from bellboard.testing.talk import Said, Talk

NOW = 1_800_000_000.0
"""A Friday morning."""


def fired(*instances: str, app: str = "shop", firing: Sequence[bool] = (), at: float = NOW, **labels: str) -> dict[str, Any]:
    """What an Alertmanager sends: a group of alerts, one for each instance, that fire unless ``firing`` says otherwise."""
    shared = {"alertname": "HighErrors", "app": app, "env": "prod", "severity": "warning", **labels}
    states = [*firing, *[True] * (len(instances) - len(firing))]
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{shared["alertname"]}", app="{app}"}}',
        "status": "firing" if any(states) else "resolved",
        "groupLabels": {"alertname": shared["alertname"], "app": app},
        "commonLabels": shared,
        "commonAnnotations": {"summary": f"{app} fails", "runbook_url": "https://wiki/runbook"},
        "externalURL": "http://alertmanager:9093",
        "alerts": [
            {
                "status": "firing" if state else "resolved",
                "labels": {**shared, "instance": name},
                "annotations": {"summary": f"{app} fails", "runbook_url": "https://wiki/runbook"},
                "startsAt": "2027-01-15T07:56:00Z",
                "generatorURL": "http://prometheus/graph",
                "fingerprint": f"{app}-{name}",
            }
            for name, state in zip(instances, states, strict=True)
        ],
    }


def batch(first: int, *bodies: object, format: str = "alertmanager", at: float = NOW) -> HookBatch:
    """Some deliveries, numbered from ``first``."""
    packed = [body if isinstance(body, bytes) else orjson.dumps(body) for body in bodies]
    deliveries = [HookDelivery(sequence=first + n, at=timestamp(at), body=body) for n, body in enumerate(packed)]
    return HookBatch(hook="am", format=format, deliveries=deliveries)


async def comes(talk: Talk, first: int, *bodies: object, at: float = NOW, format: str = "alertmanager", **more: Any) -> Said:
    """Something comes in, and the bot takes it."""
    said = await talk(
        "alert take",
        batch=batch(first, *bodies, at=at, format=format),
        cause=ledger_pb2.CAUSE_WEBHOOK,
        room="",
        at=at,
        **more,
    )
    assert said.state == "SUCCEEDED", said
    assert not said.blocks
    return said


async def swept(talk: Talk, at: float) -> Said:
    """The sweep's moment has come."""
    said = await talk("alert sweep", room="", at=at)
    assert said.state == "SUCCEEDED", said
    return said


def shown(said: Said) -> Mapping[str, str]:
    """The buttons of a card, and their lines."""
    return {one.label: one.line for block in said.blocks for one in block.question.choices}
