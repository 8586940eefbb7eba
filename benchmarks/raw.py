"""The floor: nats-py doing publish with ack, consume, ack and reply, in two processes, as the library's own docs do it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import nats
import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, StreamConfig

STREAM, SUBJECT, PAYLOAD = "BENCH", "bench.work", b"x" * 300


async def connect(url: str, seed: Path) -> Client:
    return await nats.connect(url, nkeys_seed=str(seed), inbox_prefix=b"_INBOX_bench")


async def worker(url: str, seed: Path) -> None:
    """Answer every message, then acknowledge it."""
    client = await connect(url, seed)
    jetstream = client.jetstream()

    async def answer(message: Msg) -> None:
        await client.publish((message.headers or {})["Answer-To"], b"done")
        await message.ack()

    config = ConsumerConfig(max_ack_pending=1024)
    await jetstream.subscribe(SUBJECT, stream=STREAM, durable="bench", cb=answer, manual_ack=True, config=config)
    print("ready", flush=True)
    await asyncio.Event().wait()


class Raw:
    """A client that sends work and waits for its answer."""

    def __init__(self, url: str, seed: Path, server: int) -> None:
        self.url, self.seed, self.server = url, seed, server
        self.waiting: dict[str, asyncio.Future[None]] = {}

    async def start(self) -> None:
        self.client = await connect(self.url, self.seed)
        self.jetstream = self.client.jetstream()
        await self.jetstream.add_stream(StreamConfig(name=STREAM, subjects=["bench.>"]))
        self.inbox = self.client.new_inbox()
        await self.client.subscribe(f"{self.inbox}.*", cb=self._answered)
        self.worker = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.raw", self.url, str(self.seed)], stdout=subprocess.PIPE, text=True
        )
        assert self.worker.stdout is not None
        await asyncio.to_thread(self.worker.stdout.readline)

    @property
    def pids(self) -> Mapping[str, int]:
        """The processes that take part: the sender is this one."""
        return {"sender": os.getpid(), "worker": self.worker.pid, "nats-server": self.server}

    async def _answered(self, message: Msg) -> None:
        self.waiting.pop(message.subject.rpartition(".")[2]).set_result(None)

    async def once(self, number: int) -> float:
        """One round trip; its seconds."""
        begun = time.perf_counter()
        answered = self.waiting[str(number)] = asyncio.get_running_loop().create_future()
        await self.jetstream.publish(SUBJECT, PAYLOAD, headers={"Answer-To": f"{self.inbox}.{number}"})
        await answered
        return time.perf_counter() - begun

    async def written(self) -> int:
        """The messages stored so far."""
        return int((await self.jetstream.stream_info(STREAM)).state.last_seq)

    async def stop(self) -> None:
        self.worker.kill()
        self.worker.wait()
        await self.client.close()


if __name__ == "__main__":
    uvloop.run(worker(sys.argv[1], Path(sys.argv[2])))
