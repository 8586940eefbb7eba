"""The shop: its versions, its faults, what it logs and what it measures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bellboard.testing import eventually
from bellboard_sandbox.wire import Client
from tests.integration.sandbox.towns import Town


def _logged(town: Town, replica: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (town.folder / "logs" / f"{replica}.jsonl").read_text().splitlines()]


async def _ask(town: Town, replica: str, count: int, target: str = "/products/7") -> Counter[int]:
    """Ask one replica, past the balancer: how often it answered with which code."""
    client = Client((town.folder / "s") / (await town.replicas())[replica]["socket"])
    seen = Counter([(await client.ask("GET", target)).code for _ in range(count)])
    client.close()
    return seen


async def test_the_bad_version_fails_a_quarter_and_says_why(town: Town) -> None:
    """Its error message is said by no other version."""
    await town.add("web-bad", "v2")
    await town.add("web-fixed", "v2.1")
    bad, fixed, first = [await _ask(town, name, 200) for name in ("web-bad", "web-fixed", "web-1")]
    errors = [line["msg"] for line in _logged(town, "web-bad") if line["level"] == "error"]

    assert 25 <= bad[500] <= 75
    assert fixed == first == {200: 200}
    assert len(errors) == bad[500]
    assert all(message.startswith("payment token mismatch: ") for message in errors)
    assert "mismatch" not in "".join(line["msg"] for name in ("web-1", "web-fixed") for line in _logged(town, name))


async def test_a_log_line_tells_who_and_what(town: Town) -> None:
    """And web and stock tell of one request by the same trace."""
    headers = {"X-Customer": "c-1234", "X-Request-Id": "abc"}
    answer = await town.front.ask("PUT", "/orders/o-1", headers=headers)
    line = _logged(town, answer.headers["x-replica"])[-1]
    behind = _logged(town, "stock-1")[-1]

    assert line["msg"].startswith("order o-1 placed by c-1234, ")
    assert {"ts", "level", "app", "service", "version", "replica", "method", "path", "code", "duration_ms"} <= set(line)
    assert (line["trace"], line["customer"]) == (behind["trace"], behind["customer"]) == ("abc", "c-1234")


async def test_what_it_measures_is_what_it_did(town: Town) -> None:
    """By every target that is told, in the format of Prometheus."""
    await _ask(town, "web-1", 7)
    await _ask(town, "web-1", 2, "/nowhere")
    read: dict[str, float] = {}
    for target in await town.told("GET", "targets"):
        client = Client(town.folder / target["socket"])
        page = (await client.ask("GET", "/metrics")).body.decode()
        client.close()
        samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        assert {sample.labels["replica"] for sample in samples} == {target["replica"]}
        read |= {f"{target['replica']} {sample.name} {sample.labels.get('code', '')}": sample.value for sample in samples}

    assert read["web-1 http_requests_total 200"] == read["stock-1 http_requests_total 200"] == 7
    assert read["web-1 http_requests_total 404"] == 2
    assert read["web-1 http_request_duration_seconds_count "] == 9
    assert read["web-2 process_resident_memory_bytes "] > 1 << 20


async def test_a_slow_database_is_seen_in_stock(town: Town) -> None:
    """A warning for each query, until it is healed."""
    await town.told("PUT", "faults", {"app": "shop", "fault": "db-slow"})
    await _ask(town, "web-1", 1)
    slow = [line for line in _logged(town, "stock-1") if line["level"] == "warn"]
    await town.told("DELETE", "faults")
    await _ask(town, "web-1", 5)

    assert [line["msg"].partition(":")[0] for line in slow] == ["slow query"]
    assert _logged(town, "stock-1").count(slow[0]) == 1
    assert sum("slow query" in line["msg"] for line in _logged(town, "stock-1")) == 1


async def test_errors_come_and_go(town: Town) -> None:
    """One in six while the fault is on, and none after."""
    await town.told("PUT", "faults", {"app": "shop", "fault": "errors"})
    broken = await _ask(town, "web-1", 120)
    await town.told("DELETE", "faults")

    assert 5 <= broken[500] <= 40
    assert await _ask(town, "web-1", 50) == {200: 50}


async def test_crashes_cost_no_customer_anything(make_town: Callable[..., Town]) -> None:
    """Replicas die at requests that are then answered by others."""
    town = make_town("--rate", "150")
    await town.told("PUT", "faults", {"app": "shop", "fault": "crash"})
    await eventually(lambda: _crashed(town), timeout=20)
    await town.told("DELETE", "faults")
    customers = (await town.told("GET", "status"))["customers"]

    assert customers["failed"] == []
    assert customers["answered"]["v1"] > 0


async def test_customers_are_counted_by_version_and_cause(make_town: Callable[..., Town]) -> None:
    """Only the bad version fails them; and a reset counts anew."""
    town = make_town("--rate", "100")
    await town.add("web-bad", "v2")
    for share in (1, 2, 3, 1):
        await town.share({"web-1": 1, "web-bad": share})
    await eventually(lambda: _failed(town, 10))
    failed = (await town.told("GET", "status"))["customers"]["failed"]
    after = await town.told("POST", "reset")

    assert [(entry["version"], entry["cause"]) for entry in failed] == [("v2", "500 payment token mismatch")]
    assert [(replica["name"], replica["version"]) for replica in after["replicas"]] == [
        ("stock-1", "v1"),
        ("web-1", "v1"),
        ("web-2", "v1"),
    ]
    assert after["customers"]["failed"] == []
    assert (await town.shares())[1] == [1, 1]


@pytest.mark.parametrize("name", ["web-1", "web-7"])
async def test_a_reset_makes_it_as_new(town: Town, name: str) -> None:
    """Whatever runs, under whichever name; and again does no harm."""
    await town.told("DELETE", "apps/shop/replicas/web-1")
    await town.add(name, "v3")
    await town.share({name: 1})
    await town.told("PUT", "faults", {"app": "shop", "fault": "errors"})
    first, second = await town.told("POST", "reset"), await town.told("POST", "reset")

    assert {entry["version"] for entry in (await town.replicas()).values()} == {"v1"}
    assert [entry["pid"] for entry in first["replicas"]] == [entry["pid"] for entry in second["replicas"]]
    assert second["faults"] == []
    assert (await town.visit()).headers["x-version"] == "v1"


async def _crashed(town: Town) -> bool:
    restarts: int = sum(replica["restarts"] for replica in (await town.replicas()).values())
    return restarts >= 2


async def _failed(town: Town, least: int) -> bool:
    failed: int = sum(entry["count"] for entry in (await town.told("GET", "status"))["customers"]["failed"])
    return failed >= least
