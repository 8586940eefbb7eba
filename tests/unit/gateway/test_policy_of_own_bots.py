"""What the built-in rules say of the bots that come with Bellboard."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bellboard.api.ledger.v1 import ledger_pb2 as pb
from bellboard.bot import Bot
from bellboard.grammar import Nowhere, Vocabulary
from bellboard_deploy.bot import bot as deploy
from bellboard_gateway.people import People
from bellboard_gateway.policy import Ask, Policy, Verdict
from bellboard_graphs.bot import bot as graphs
from bellboard_logs.bot import bot as logs

BOTS: tuple[Bot, ...] = (deploy, logs, graphs)
VOCABULARY = Vocabulary([bot.contract for bot in BOTS])
OWNER, ANYONE, BOT = pb.Principal(person="ann"), pb.Principal(person="bob"), pb.Principal(bot="deploy")


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """The built-in rules alone, and our bots as `bell up` enrols them."""
    people = [{"id": "ann", "groups": ["owners"]}, {"id": "bob", "groups": []}]
    (tmp_path / "people.yaml").write_text(yaml.safe_dump({"people": people, "rooms": [{"id": "general"}]}))
    policy = Policy(tmp_path, People(tmp_path / "people.yaml"), lambda: [bot.name for bot in BOTS])
    for bot in BOTS:
        policy.admit(bot.contract, is_open=True)
    return policy


def says(policy: Policy, line: str, principal: pb.Principal) -> Verdict:
    parsed = VOCABULARY.parse(line, Nowhere())
    ask = Ask(
        principal, parsed.command, parsed.request, room="general", cause=pb.CAUSE_LINE, preview=parsed.preview, rehearsal=False
    )
    return policy.judge(ask).verdict


@pytest.mark.parametrize("line", ["graph errors shop 5m", "logs new shop --since 5m", "deploy status"])
@pytest.mark.parametrize("principal", [ANYONE, BOT], ids=["person", "bot"])
def test_anyone_reads_and_so_does_a_bot_that_asks(policy: Policy, line: str, principal: pb.Principal) -> None:
    """A rollout that went wrong shows its graph and what is new in the logs without a rule of the team's own."""
    assert says(policy, line, principal) is Verdict.ALLOW


@pytest.mark.parametrize("line", ["logs raw shop error", "deploy shop v2 to sandbox"])
def test_secrets_and_rollouts_need_a_rule(policy: Policy, line: str) -> None:
    """Owners alone may, without one; of the bots only the one whose command it is."""
    assert says(policy, line, OWNER) is Verdict.ALLOW
    assert says(policy, line, ANYONE) is Verdict.DENY
    assert says(policy, line, pb.Principal(bot="graphs")) is Verdict.DENY
    assert says(policy, line, pb.Principal(bot=line.split()[0])) is Verdict.ALLOW
