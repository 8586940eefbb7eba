"""Real servers of metrics: Prometheus and Graphite, with half an hour of a shop in each."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bellboard.testing.eventually import eventually
from bellboard.testing.servers import free_port

EVERY = 10
"""Seconds between samples."""
RATES = {("v1", "200"): 2.0, ("v2", "200"): 1.5, ("v2", "500"): 0.5}
"""Requests per second, by version and code."""


def samples(begin: int, end: int) -> Iterator[tuple[int, str, str, float]]:
    """Every sample: when, version, code, and the counter's value."""
    for version, code in RATES:
        for at in range(begin, end + 1, EVERY):
            yield at, version, code, (at - begin) * RATES[version, code]


def need(found: bool, package: str) -> None:
    """Skip a test for want of a package; in CI, fail it."""
    if found:
        return
    reason = f"this needs the Debian package {package}, and it is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@asynccontextmanager
async def prometheus(folder: Path, begin: int, end: int) -> AsyncIterator[str]:
    """A Prometheus with the shop's samples; its address."""
    need(shutil.which("prometheus") is not None and shutil.which("promtool") is not None, "prometheus")
    told = [
        f'http_requests_total{{app="shop",version="{version}",code="{code}"}} {value} {at}'
        for at, version, code, value in samples(begin, end)
    ]
    (folder / "samples").write_text("\n".join(["# TYPE http_requests counter", *told, "# EOF", ""]))
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(folder / "samples"), str(folder / "tsdb")]
    await asyncio.to_thread(subprocess.run, blocks, check=True, capture_output=True)
    port = free_port()
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
    more = [f"--web.listen-address=127.0.0.1:{port}", "--web.console.templates=/", "--web.console.libraries=/"]
    async with _running(["prometheus", *options, *more], folder, {}):
        await eventually(lambda: _answers(f"http://127.0.0.1:{port}/-/ready"), timeout=30)
        yield f"http://127.0.0.1:{port}"


_CARBON = """\
[cache]
STORAGE_DIR = {folder}/graphite
LOCAL_DATA_DIR = {folder}/graphite/whisper
CONF_DIR = {folder}
LOG_DIR = {folder}
PID_DIR = {folder}
USER =
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {line}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {query}
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
"""
_WEB = """\
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["127.0.0.1"]
TIME_ZONE = "UTC"
GRAPHITE_ROOT = "/usr/share/graphite-web"
CONF_DIR = LOG_DIR = INDEX_DIR = "{folder}"
STORAGE_DIR = "{folder}/graphite"
WHISPER_DIR = "{folder}/graphite/whisper"
STANDARD_DIRS = [WHISPER_DIR]
INDEX_FILE = "{folder}/index"
CARBONLINK_HOSTS = ["127.0.0.1:{query}"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{folder}/db"}}}}
"""
_SERVE = """
import graphite.settings, sys
from django.core.wsgi import get_wsgi_application
from wsgiref.simple_server import make_server
make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application()).serve_forever()
"""


@asynccontextmanager
async def graphite(folder: Path, begin: int, end: int) -> AsyncIterator[str]:
    """A carbon and a graphite-web with the shop's samples; the address of the latter."""
    need(shutil.which("carbon-cache") is not None, "graphite-carbon")
    need(Path("/usr/lib/python3/dist-packages/graphite").is_dir(), "graphite-web")
    (folder / "graphite/whisper").mkdir(parents=True)
    ports = {"line": free_port(), "pickle": free_port(), "query": free_port()}
    (folder / "carbon.conf").write_text(_CARBON.format(folder=folder, **ports))
    (folder / "storage-schemas.conf").write_text(f"[all]\npattern = .*\nretentions = {EVERY}s:1d\n")
    (folder / "local_settings.py").write_text(textwrap.dedent(_WEB.format(folder=folder, **ports)))
    carbon = ["/usr/bin/python3", str(shutil.which("carbon-cache")), "--config", f"{folder}/carbon.conf", "--nodaemon", "start"]
    web = free_port()
    env = {"PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "graphite.settings"}
    async with _running(carbon, folder, {}), _running(["/usr/bin/python3", "-c", _SERVE, str(web)], folder, env):
        await eventually(lambda: _listens(ports["line"]), timeout=30)
        _, line = await asyncio.open_connection("127.0.0.1", ports["line"])
        for at, version, code, value in samples(begin, end):
            line.write(f"apps.shop.{version}.requests.{code} {value} {at}\n".encode())
        line.write(f"sent.all 1 {end}\n".encode())  # once that is there, carbon has all that came before it
        await line.drain()
        line.close()
        kept = folder / "graphite/whisper"
        await eventually(lambda: len(list(kept.glob("apps/shop/*/requests/*.wsp"))) == len(RATES), timeout=30)
        await eventually((kept / "sent/all.wsp").exists, timeout=30)
        await eventually(lambda: _answers(f"http://127.0.0.1:{web}/render?target=apps.*&format=json"), timeout=30)
        yield f"http://127.0.0.1:{web}"


@asynccontextmanager
async def _running(command: list[str], folder: Path, more: dict[str, str]) -> AsyncIterator[None]:
    env = {**{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}, **more}
    with (folder / "server.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, env=env, stdout=log, stderr=log, cwd=folder)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
