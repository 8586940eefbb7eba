"""One trace holds the whole way of a command, whatever process it went through."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

from bellboard.testing.servers import free_port
from tests.e2e.mesh import Mesh, Said

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

LOOK = "https://traces.example.com/trace/"
"""Where people of this mesh look at traces."""


@pytest.fixture
async def tapped(tmp_path: Path) -> AsyncIterator[tuple[Mesh, OtelTapHttpProtobufReceiver]]:
    """A mesh that sends its spans, by the standard variable, to a receiver that is not ours."""
    port = free_port()
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "BELLBOARD_TRACE_URL": f"{LOOK}{{trace_id}}"}
    mesh = Mesh(tmp_path / "data", more=more)
    async with OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(http_port=port)) as receiver:
        try:
            await asyncio.to_thread(mesh.start)
            yield mesh, receiver
        finally:
            await asyncio.to_thread(mesh.stop)


async def spans_of(mesh: Mesh, receiver: OtelTapHttpProtobufReceiver, line: str, until: set[str]) -> tuple[Said, list[Span]]:
    """Say a line, and gather spans until all of these names came in one trace, from whichever process."""
    seen: list[Span] = []

    def last(span: Span) -> bool:
        seen.append(span)
        return until <= {other.name for other in seen if other.trace_id == span.trace_id}

    waiting = asyncio.ensure_future(receiver.await_trace(last, timeout=60))
    said = await asyncio.to_thread(mesh.say, line)
    await waiting
    return said, [span for span in seen if span.trace_id.hex() == said.last["trace_id"]]


async def test_a_command_leaves_one_trace_from_its_line_to_its_card(
    tapped: tuple[Mesh, OtelTapHttpProtobufReceiver],
) -> None:
    """Command, wait, run and steps from the ledger; the card from the gateway; all under one root."""
    mesh, receiver = tapped
    line = "practice climb north --wait 100ms"
    said, spans = await spans_of(mesh, receiver, line, until={"command", "step top", "card"})

    root = next(span for span in spans if span.name == "command")
    url = f"{LOOK}{root.trace_id.hex()}"
    names = {span.name for span in spans}

    assert said.exit == 0
    assert {"command", "wait", "run", "step boots", "step rope", "step top", "card"} <= names
    assert all(span.parent_span_id for span in spans if span is not root)
    assert {span.parent_span_id for span in spans if span.name in ("wait", "run", "card")} == {root.span_id}

    assert said.last["trace_url"] == url, "the link leads to the trace that arrived"
    id = said.last["command_id"]
    assert url in mesh.bell("trace", id).stdout
    assert url in mesh.say(f"why {id}").text


async def test_a_trace_is_whole_though_the_worker_was_killed(tapped: tuple[Mesh, OtelTapHttpProtobufReceiver]) -> None:
    """The spans are made from the ledger: the attempt that died is told as well as the one that took over."""
    mesh, receiver = tapped
    saying = mesh.background("say", "--json", "--timeout", "100", "practice set mark 3 --wait 5s")
    await asyncio.to_thread(mesh.wait_for_state, saying, "STARTED")
    seen: list[Span] = []

    def runs() -> Counter[bytes]:  # what the practice bot does by itself has traces of its own
        return Counter(span.trace_id for span in seen if span.name == "run")

    def done(span: Span) -> bool:
        seen.append(span)
        return max(runs().values(), default=0) == 2

    waiting = asyncio.ensure_future(receiver.await_trace(done, timeout=100))
    mesh.kill("practice")
    await waiting
    out, _ = await asyncio.to_thread(saying.communicate)

    assert saying.returncode == 0, out
    assert max(runs().values()) == 2
