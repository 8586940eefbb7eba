"""The collector's configuration that people are given, in a collector that is built from its sources."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import secrets
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2 as otel
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

from bellboard.telemetry.otlp import SpanSender
from bellboard.telemetry.trace import Span
from bellboard.testing import eventually
from bellboard.testing.servers import ends_with_us, free_port

ROOT = Path(__file__).parents[2]
SOURCES = Path(__file__).with_name("collector")
CONFIG = ROOT / "docs/operate/collector.yaml"

pytestmark = pytest.mark.timeout(3600)  # the first time it is built


@pytest.fixture(scope="session")
def collector() -> Path:
    """The program, built once for these sources."""
    digest = hashlib.sha256(b"".join((SOURCES / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))).hexdigest()
    program = ROOT / ".cache" / "collector" / digest[:16] / "collector"
    program.parent.mkdir(parents=True, exist_ok=True)
    with (program.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            if shutil.which("go") is None:
                pytest.skip("a collector for tests is built with Go, which is not here")
            command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(program), "."]
            subprocess.run(command, cwd=SOURCES, check=True)
    return program


@asynccontextmanager
async def running(collector: Path, folder: Path, to: int) -> AsyncIterator[int]:
    """The collector with that file, in a hurry, handing on to a port of 127.0.0.1; the port that it takes spans at."""
    port = free_port()
    said = {
        "0.0.0.0:4318": f"127.0.0.1:{port}",
        "decision_wait: 30s": "decision_wait: 1s",
        # Whoever receives them here unpacks nothing.
        '"http://tempo.monitoring.svc:4318"': f'"http://127.0.0.1:{to}", compression: none',
    }
    text = CONFIG.read_text()
    for old, new in said.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "collector.yaml").write_text(text)
    with (folder / "collector.log").open("wb") as log:
        command = ends_with_us(str(collector), "--config", f"file:{folder}/collector.yaml")
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        await eventually(lambda: "Everything is ready" in (folder / "collector.log").read_text(), timeout=60)
        yield port
    finally:
        process.terminate()
        await process.wait()


def command(name: str, *, took: float = 0.1, failed: bool = False) -> list[Span]:
    """The spans of a command that ended just now."""
    trace, root, now = secrets.token_hex(16), secrets.token_hex(8), time.time()
    return [
        Span(name, trace, root, "", "bellboard", now - took, now, failed=failed),
        Span("run", trace, secrets.token_hex(8), root, "memes", now - took, now),
    ]


def test_a_collector_takes_the_file_as_it_is(collector: Path) -> None:
    """Every part, and every setting of it."""
    done = subprocess.run([collector, "validate", f"--config=file:{CONFIG}"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


async def test_what_went_wrong_or_took_long_is_kept_and_one_in_ten_of_the_rest(
    collector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the page promises; and a trace is kept whole."""
    seen: list[otel.Span] = []

    def came(span: otel.Span) -> bool:
        seen.append(span)
        whole = {other.trace_id for other in seen if other.name == "run"}
        return {"failed", "long"} <= {other.name for other in seen if other.trace_id in whole} and len(seen) > 40

    receiver_port = free_port()
    async with (
        OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(http_port=receiver_port)) as receiver,
        running(collector, tmp_path, receiver_port) as port,
    ):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        sender = SpanSender("reaper")
        waiting = asyncio.ensure_future(receiver.await_trace(came, timeout=60))
        for spans in (command("failed", failed=True), command("long", took=9.0), *(command("well") for _ in range(400))):
            sender.add(spans)
        await sender.flush()
        await waiting
        await sender.close()

    kept = {span.trace_id for span in seen if span.name == "well"}
    assert 10 < len(kept) < 100
