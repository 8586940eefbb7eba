"""The scene that it is all for, in chat alone: a bad version goes out, is seen and goes back; the good one follows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from tests.e2e.mesh import Mesh, Said
from tests.e2e.war_room import BAD, GOOD, MISMATCH, backends, cards, failed, id_in, rows, status, story

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A mesh with its own small production, as `bell up` starts it, and a second environment."""
    folder = tmp_path_factory.mktemp("war")
    (folder / "environments.yaml").write_text("environments: {sandbox: {kind: sandbox}, prod: {kind: paper}}")
    mesh = Mesh(folder / "data", practice=False, more={"BELLBOARD_DEPLOY_FILE": str(folder / "environments.yaml")})
    try:
        mesh.start()
        yield mesh
    finally:
        mesh.stop()


async def test_a_bad_version_is_seen_and_goes_back_and_the_good_one_follows(room: Mesh) -> None:
    """From v1 over v2 to v2.1, and no customer lost a request but those that v2 itself failed."""
    said = [room.say(line) for line in ("deploy status", "deploy shop v2 to sandbox ?")]
    assert [one.exit for one in said] == [0, 0]
    deploy = bad_version_goes_back(room)

    told = await cards(room, f"graph errors shop --by version --around {deploy}", f"logs new shop --since {deploy}")
    its_own_card_tells_why(told, deploy)
    one_backend_is_taken_out_and_back(room)
    good = room.say(GOOD)
    assert good.exit == 0, good.out
    what_happened_can_be_asked(room, deploy)
    assert rows(room.say("deploy status in sandbox")) == [
        {"env": "sandbox", "app": "shop", "version": "v2.1", "traffic %": 100, "ready": "2 of 2", "deploy": None}
    ]
    history = rows(room.say("deploy history shop"))
    assert [(row["version"], row["before"], row["state"]) for row in history] == [
        ("v2.1", "v1", "succeeded"),
        ("v2", "v1", "rolled-back"),
    ]

    lost = failed(room)
    assert set(lost) == {("v2", f"500 {MISMATCH}")}
    assert status(room)["customers"]["answered"]["v2.1"] > 0
    lines = story(await cards(room, GOOD, "deploy history shop"))
    assert [line for line in lines if line[0].startswith("deploy shop")] == [
        ("deploy shop v2 to sandbox --dry-run", "SUCCEEDED"),
        (BAD.replace("errors<5%", '"errors<5%"'), "FAILED"),
        (GOOD, "SUCCEEDED"),
    ]


def bad_version_goes_back(room: Mesh) -> str:
    """The card shows the error rate of v2 as it rises, then the query, the value and the limit; the id of the deploy."""
    said = room.say(BAD)
    assert said.exit == 1
    rates = [rate for card in said.cards[:-1] for rate in error_rates(card, "v2")]
    assert max(rates) > 5
    why = said.last["blocks"][0]["failure"]
    assert re.search(r"rolled back.* gate errors<5%: [0-9.]+ % of \d+ requests", why["text"])
    assert "5xx / all of http_requests_total of {app=shop, version=v2}" in why["text"]
    assert "requests failed in v2" in why["text"]
    assert "v1 runs as before" in why["hint"]
    return id_in(why["text"], "D")


def error_rates(card: dict[str, object], version: str) -> list[float]:
    """The percentage of errors of a version that a live card shows."""
    told = Said(0, [card], "", "")
    if '"errors %"' not in json.dumps(card):
        return []
    return [row["errors %"] for row in rows(told) if row["version"] == version and row["errors %"] is not None]


def its_own_card_tells_why(told: dict[str, gateway.Card], deploy: str) -> None:
    """On the card of the deploy stand the graph with a line for each version, told in words, and the new pattern."""
    found = {card.line: card for card in told.values()}
    graph = found[f"graph errors shop --by version --around {deploy}"]
    (chart,) = (block.chart for block in graph.blocks if block.HasField("chart"))
    assert chart.picture.media_type == "image/png"
    for version in ("v1", "v2"):
        assert f"Errors of {version} " in chart.alt
    assert f"Marked: {deploy} (shop v1 → v2)" in chart.alt
    lines = json.loads(chart.spec)["datasets"]
    assert [len([row for row in lines[name] if row["v"] is not None]) > 0 for name in ("line0", "line1")] == [True, True]
    new = found[f"logs new shop --since {deploy}"]
    assert MISMATCH in str(new.blocks)
    assert {graph.card_id, new.card_id} == {next(card.command_id for card in told.values() if card.line.startswith(BAD[:30]))}


def what_happened_can_be_asked(room: Mesh, deploy: str) -> None:
    """By any bot, with an id that another one gave; and what one answers another one draws."""
    found = room.say(f"logs shop error --around {deploy}")
    answer = id_in(found.text, "L")
    assert MISMATCH in room.say(f"logs show {answer}").text
    for id in (deploy, answer):
        graph = room.say(f"graph errors shop --around {id.lower()}")
        assert f"Marked: {deploy}" in graph.text, graph.text
    assert MISMATCH in room.say("logs shop error --since 10m | count by pattern | graph").text
    table = rows(room.say("deploy history shop --since 7d | table version,by,took"))
    assert [row["version"] for row in table] == ["v2.1", "v2"]
    assert all(list(row) == ["version", "by", "took"] for row in table)


def one_backend_is_taken_out_and_back(room: Mesh) -> None:
    """By hand: it is sent no requests, and then again."""
    name = backends(room)[0]["backend"]
    assert room.say(f"lb drain {name} in sandbox").exit == 0
    assert [row["state"] for row in backends(room) if row["backend"] == name] == ["draining"]
    assert room.say(f"lb enable {name} in sandbox").exit == 0
    assert {row["state"] for row in backends(room)} == {"up"}


async def test_of_two_deploys_one_waits_for_its_turn(room: Mesh) -> None:
    """Its card says which place it has, and behind what; then both were carried out, one after the other."""
    long = ("say", "--json", "--timeout=120")
    first = room.background(*long, "deploy shop v3 to sandbox --canary 100 --gate none --soak 5m")
    runs = room.wait_for_state(first, "STEP", words="deploy promote D")
    go_on = re.findall(r"deploy promote D[0-9]+", json.dumps(runs))[0]
    line = "deploy shop v2.1 to sandbox --canary 50,100 --soak 1s"
    second = room.background(*long, line)
    room.wait_for_state(second, "QUEUED")
    waits = next(card for card in (await cards(room, line, final=False)).values() if card.line == line)
    assert "Queued, 1st behind" in waits.reason
    assert "deploy shop v3 to sandbox" in waits.reason

    assert room.say(go_on).exit == 0
    for saying in (first, second):
        saying.communicate(timeout=120)
        assert saying.returncode == 0
    newest, older = rows(room.say("deploy history shop in sandbox"))[:2]
    assert [(row["version"], row["before"]) for row in (newest, older)] == [("v2.1", "v3"), ("v3", older["before"])]


async def test_a_rehearsal_for_one_environment_happens_in_the_sandbox(room: Mesh) -> None:
    """It is marked; the environment that it names is as before, and its history knows nothing of it."""
    before = rows(room.say("deploy status in prod"))
    line = "deploy shop v3 to prod"
    rehearsed = room.say(f"{line} --canary 100 --soak 0s --sandbox")

    assert rehearsed.exit == 0, rehearsed.out
    assert next(card for card in (await cards(room, line)).values() if card.line.startswith(line)).rehearsal
    assert {one["version"] for one in status(room)["replicas"] if one["service"] == "web"} == {"v3"}
    assert rows(room.say("deploy status in prod")) == before
    assert "no deploy of shop" in room.say("deploy history shop in prod").text
