"""What pods and nodes use, from the amounts that Kubernetes writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bellboard import Block, table

from .providers import Fields

MIB = 2**20
_AMOUNT = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_TIMES = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip


def amount(text: Any) -> float:
    """A quantity such as ``250m``, ``1.5Gi`` or ``12e6``; 0 if it is none."""
    found = _AMOUNT.fullmatch(str(text))
    try:
        return float(found[1]) * _TIMES.get(found[2], 1) if found else 0.0
    except ValueError:
        return 0.0


def pods(items: Sequence[Fields], *, namespaces: bool) -> Block:
    """What pods use, all their containers together: CPU in cores, memory in MiB, the hungriest first."""
    rows = []
    for item in items:
        meta, every = item.get("metadata") or {}, [one.get("usage") or {} for one in item.get("containers") or ()]
        cores, bytes = sum(amount(one.get("cpu")) for one in every), sum(amount(one.get("memory")) for one in every)
        where = [meta.get("namespace", "")] if namespaces else []
        rows.append((*where, meta.get("name", ""), round(cores, 3), round(bytes / MIB, 1)))
    rows.sort(key=lambda row: (-row[-2], -row[-1]))
    return table([*(["namespace"] if namespaces else []), "pod", "cpu", "memory"], rows)


def nodes(items: Sequence[Fields], there: Sequence[Fields]) -> Block:
    """What nodes use, and the share of what pods may have of it."""
    room = {(one.get("metadata") or {}).get("name"): (one.get("status") or {}).get("allocatable") or {} for one in there}
    rows = []
    for item in items:
        name, used = (item.get("metadata") or {}).get("name", ""), item.get("usage") or {}
        cores, bytes = amount(used.get("cpu")), amount(used.get("memory"))
        most = room.get(name, {})
        shares = [_share(cores, amount(most.get("cpu"))), _share(bytes, amount(most.get("memory")))]
        rows.append((name, round(cores, 3), shares[0], round(bytes / MIB, 1), shares[1]))
    rows.sort(key=lambda row: (-row[1], -row[3]))
    return table(["node", "cpu", "cpu %", "memory", "memory %"], rows)


def _share(used: float, most: float) -> float | None:
    return round(100 * used / most, 1) if most else None
