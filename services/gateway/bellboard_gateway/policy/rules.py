"""Rules as people write them: `.cedar` files, split into single policies whose file and line are known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cedarpy

from bellboard.errors import SettingsError

BUILT_IN = Path(__file__).with_name("default.cedar")
"""The rules that are there without any of your own."""

_WHOLE = "*"
_CLOCK, _ARGUMENTS = frozenset({_WHOLE, "hour", "weekday"}), frozenset({_WHOLE, "args"})
"""What of a request's context tells the time, and what tells the arguments."""

_HINT = "put it right; the rules that were in force stay so"


@dataclass(frozen=True, slots=True)
class Rule:
    """One Cedar policy.

    Attributes:
        name: its ``@id``, or file and line.
        permits: whether it is a ``permit``.
        approval: the group of its ``@approval``; empty without one.
        scope: the actions and action groups that it is limited to; None for every action.
        actions: every action or action group that it mentions.
        timed: whether its answer may depend on the clock.
        particular: whether its answer may depend on the arguments.
    """

    name: str
    text: str
    where: str
    permits: bool
    approval: str
    scope: frozenset[str] | None
    actions: frozenset[str]
    timed: bool
    particular: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, in order; ``digest`` changes with any of them."""

    rules: tuple[Rule, ...]
    digest: str


def rule_files(directory: Path) -> list[Path]:
    """The rule files of a folder, by name."""
    return sorted(directory.glob("*.cedar"))


def load(directory: Path) -> Rules:
    """Read the built-in rules and those of a folder.

    Raises:
        SettingsError: one can't be read or parsed, or two have the same name. It names file and line.
    """
    rules: list[Rule] = []
    for path in [BUILT_IN, *rule_files(directory)]:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise SettingsError(f"{path} can't be read", hint=_HINT) from None
        rules += parse(text, "built in" if path == BUILT_IN else path.name)
    names: dict[str, str] = {}
    for rule in rules:
        if rule.name in names:
            raise SettingsError(f"{rule.where}: the rule {rule.name!r} stands at {names[rule.name]} already", hint=_HINT)
        names[rule.name] = rule.where
    texts = "\0".join(rule.text for rule in rules)
    return Rules(tuple(rules), hashlib.sha256(texts.encode()).hexdigest())


def parse(text: str, file: str) -> list[Rule]:
    """Read the rules of one file.

    Raises:
        SettingsError: one is wrong.
    """
    return [_rule(statement, file, line) for line, statement in _statements(text, file)]


def _rule(text: str, file: str, line: int) -> Rule:
    where = f"{file}:{line}"
    try:
        found = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise SettingsError(f"{where}: {error}", hint=_HINT) from None
    if found["templates"] or len(found["staticPolicies"]) != 1:
        raise SettingsError(f"{where}: not a single policy without slots", hint=_HINT)
    (policy,) = found["staticPolicies"].values()
    heeded = frozenset(_heeded(policy["conditions"]))
    notes, permits = policy.get("annotations", {}), policy["effect"] == "permit"
    approval = notes.get("approval", "")
    if "approval" in notes and (not approval or not permits):
        raise SettingsError(f'{where}: @approval("group") names a group, on a permit', hint=_HINT)
    return Rule(
        name=notes.get("id") or where,
        text=text,
        where=where,
        permits=permits,
        approval=approval or "",
        scope=_scope(policy["action"]),
        actions=frozenset(_actions(policy)),
        timed=bool(heeded & _CLOCK),
        particular=bool(heeded & _ARGUMENTS),
    )


def _scope(action: dict[str, Any]) -> frozenset[str] | None:
    if action["op"] == "All":
        return None
    entities: Sequence[dict[str, str]] = action.get("entities") or [action["entity"]]
    return frozenset(entity["id"] for entity in entities)


def _actions(node: Any) -> Iterator[str]:
    """Every action that a policy mentions, in its scope or its conditions."""
    if isinstance(node, dict):
        if node.get("type") == "Action" and isinstance(node.get("id"), str):
            yield node["id"]
        for child in node.values():
            yield from _actions(child)
    elif isinstance(node, list):
        for child in node:
            yield from _actions(child)


def _heeded(node: Any) -> Iterator[str]:
    """The attributes of the context that a policy looks at; `_WHOLE` where it takes the context as a whole."""
    if isinstance(node, list):
        for child in node:
            yield from _heeded(child)
    if not isinstance(node, dict):
        return
    for kind, child in node.items():
        if kind in (".", "has") and isinstance(child, dict) and child.get("left") == {"Var": "context"}:
            yield child["attr"]
        elif kind == "Var" and child == "context":
            yield _WHOLE
        else:
            yield from _heeded(child)


def _statements(text: str, file: str) -> Iterator[tuple[int, str]]:
    """Split at semicolons that stand in no string or comment; with the line each policy begins in."""
    line, begun, start, at = 1, 0, 0, 0
    while at < len(text):
        here = text[at]
        if here == "/" and text.startswith("//", at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        if not begun and not here.isspace():
            begun, start = line, at
        if here == '"':
            end = _string_end(text, at)
            line += text.count("\n", at, end)
            at = end
            continue
        if here == ";":
            yield begun, text[start : at + 1]
            begun = 0
        line += here == "\n"
        at += 1
    if begun:
        raise SettingsError(f"{file}:{begun}: no semicolon ends the policy", hint=_HINT)


def _string_end(text: str, at: int) -> int:
    at += 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1
