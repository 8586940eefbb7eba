"""The rules as they bear on one contract: validated against it, and ready to judge its commands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cedarpy

from bellboard.command import Command
from bellboard.errors import ContractError

from ..people import People
from .rules import Rule, Rules
from .schema import Admissible, groups_of, schema

SOMEONE = "SOMEONE"
"""A person who is not there, put into one group to see what the group may do. No real id has capitals."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Cedar said: whether it permits, by which rules; ``error`` where it could not judge."""

    permitted: bool
    rules: tuple[Rule, ...] = ()
    error: str = ""


@dataclass
class Bench:
    """Judges the commands of one contract.

    Raises:
        ContractError: a rule does not hold in the terms of the contract. It names the rule and its place.
    """

    contract: Admissible
    is_open: bool
    all_rules: Rules
    _entities: tuple[int, cedarpy.Entities] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        text = "\n".join(rule.text for rule in self.rules)
        checked = cedarpy.validate_policies(text, self._schema)
        for error in checked.errors:
            rule = self._rule(error.policy_id) if error.policy_id else None
            said = error.error.removeprefix(f"for policy `{error.policy_id}`, ")
            where = f"the rule {rule.name} ({rule.where})" if rule else "a rule"
            raise ContractError(f"{where} does not fit {self.contract.bot}: {said}", hint="put the rule right, or the contract")

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that reach any command of the contract, or mean to."""
        bot = self.contract.bot
        names = {f"bot:{bot}"} | {group for c in self.contract.commands for group in groups_of(c, is_open=self.is_open)}
        return tuple(
            rule
            for rule in self.all_rules.rules
            if rule.scope is None or rule.scope & names or any(action.startswith(f"{bot}.") for action in rule.scope)
        )

    @cached_property
    def timed(self) -> bool:
        """Whether a decision may change with the clock."""
        return any(rule.timed for rule in self.rules)

    @cached_property
    def particular(self) -> bool:
        """Whether a decision may depend on the arguments."""
        return any(rule.particular for rule in self.rules)

    @cached_property
    def _schema(self) -> cedarpy.Schema:
        others = {action for rule in self.rules for action in rule.actions if not action.startswith(f"{self.contract.bot}.")}
        return cedarpy.Schema.from_json_str(schema(self.contract, is_open=self.is_open, mentioned=others))

    @cached_property
    def _policies(self) -> cedarpy.PolicySet:
        return cedarpy.PolicySet.from_str("\n".join(rule.text for rule in self.rules))

    def _rule(self, policy_id: str) -> Rule:
        return self.rules[int(policy_id.removeprefix("policy"))]

    def entities(self, people: People) -> cedarpy.Entities:
        """The people, their groups and the rooms, read again when the people's file has changed."""
        version = people.version
        if self._entities is None or self._entities[0] != version:
            self._entities = (version, cedarpy.Entities.from_json_str(json.dumps(_entities(people)), self._schema))
        return self._entities[1]

    def judge(self, principal: dict[str, str], command: Command, room: str, told: dict[str, Any], people: People) -> Answer:
        """Ask the rules about one request; ``told`` is its context."""
        return self._ask(principal, command, room, told, self.entities(people))

    def groups_that_may(self, command: Command, room: str, told: dict[str, Any], people: People) -> Iterable[str]:
        """The groups whose members, being in no other, may run it, or have it approved."""
        for group in people.groups:
            entity = {"uid": {"type": "Person", "id": SOMEONE}, "attrs": {}, "parents": [{"type": "Group", "id": group}]}
            entities = self.entities(people).with_added_json_str(json.dumps([entity]))
            if self._ask({"type": "Person", "id": SOMEONE}, command, room, told, entities).permitted:
                yield group

    def _ask(
        self, principal: dict[str, str], command: Command, room: str, told: dict[str, Any], entities: cedarpy.Entities
    ) -> Answer:
        request = {
            "principal": principal,
            "action": {"type": "Action", "id": command.action},
            "resource": {"type": "Room", "id": room},
            "context": told,
        }
        answer = cedarpy.is_authorized(request, self._policies, entities, self._schema)
        if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            return Answer(False, error="; ".join(answer.diagnostics.errors) or "no decision")
        found = sorted(int(reason.removeprefix("policy")) for reason in answer.diagnostics.reasons)
        return Answer(answer.allowed, tuple(self.rules[index] for index in found))

    def chance(self, person: str, command: Command, room: str, people: People) -> cedarpy.Decision:
        """What the rules say where nothing is known of the arguments: Allow, Deny, or NoDecision if they decide."""
        request = {
            "principal": f'Person::"{person}"',
            "action": f"Action::{json.dumps(command.action)}",
            "resource": f'Room::"{room}"',
            "context": None,
        }
        return cedarpy.is_authorized_partial(request, self._policies, self.entities(people), self._schema).decision


def _entities(people: People) -> list[dict[str, Any]]:
    def entity(kind: str, name: str, parents: Iterable[str] = ()) -> dict[str, Any]:
        uid = {"type": kind, "id": name}
        return {"uid": uid, "attrs": {}, "parents": [{"type": "Group", "id": group} for group in parents]}

    return [
        *(entity("Person", person.id, person.groups) for person in people.everyone),
        *(entity("Group", group) for group in people.groups),
        *(entity("Room", room.id) for room in people.rooms),
    ]
