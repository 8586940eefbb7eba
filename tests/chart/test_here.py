"""What the chart tells its pods is enough to work: a bus of three, two gateways, and a line that comes to its end.

Once with a bus that anybody could listen to, and once with one that is encrypted.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
import sys
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest
import pytest_asyncio
import trustme

from bellboard.testing import eventually
from tests.chart.here import CERTIFICATE, START, Here
from tests.chart.render import made, named
from tests.chart.tools import CHART

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]

TOKEN = "a-token-that-nobody-else-has-0123456789abcdef"
TEAM = "bellboard-payments"
VALUES = {
    "teams": {
        "payments": {"people": {"ann": {"groups": ["owners"], "tokens": [hashlib.sha256(TOKEN.encode()).hexdigest()]}}},
        "search": {},
    },
    "test": {"team": "payments", "token": {"name": "smoke", "key": "token"}},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["plain", "encrypted"])
async def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Here]:
    """Everything that the first team needs."""
    folder, encrypted = tmp_path_factory.mktemp("here"), request.param == "encrypted"
    here = Here(made(VALUES | ({"nats": {"tls": {"enabled": True, "secret": CERTIFICATE}}} if encrypted else {})), folder)
    if encrypted:
        certify(here)
    try:
        provision = next(one["metadata"]["name"] for one in here.objects if one["kind"] == "Job")
        objects = str(folder / "objects")
        job = await here.start("Job", provision, "bellboard", BELLBOARD_OBJECTS_DIR=objects)
        await here.bus()
        assert await asyncio.wait_for(job.wait(), START) == 0, here.log(f"bellboard-{provision}")
        for pod in ("gateway-1", "gateway-2"):
            await here.start("StatefulSet", "gateway", TEAM, pod)
        await here.start("Deployment", "reaper", TEAM)
        await here.start("Deployment", "memes", TEAM)
        yield here
    finally:
        await here.close()


CA = trustme.CA()


def certify(here: Here) -> None:
    """Write a new certificate of the bus, as cert-manager does."""
    place = here.path("bellboard", CERTIFICATE)
    place.mkdir(parents=True, exist_ok=True)
    certificate = CA.issue_cert("127.0.0.1")
    CA.cert_pem.write_to_path(str(place / "ca.crt"))
    certificate.private_key_pem.write_to_path(str(place / "tls.key"))
    (place / "tls.crt").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))


async def _answer(port: int, path: str) -> int:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0


async def test_a_team_of_the_chart_works(here: Here) -> None:
    """Every probe is answered as Kubernetes wants it, and `helm test` finds nothing wrong."""
    nats = named(here.objects, "StatefulSet", "bellboard-nats")["spec"]["template"]["spec"]["containers"][0]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        for number in range(3):

            async def answered(number: int = number, probe: str = probe) -> bool:
                return await _answer(here.port(f"nats-{number} monitor"), nats[probe]["httpGet"]["path"]) == 200

            await eventually(answered, START, because=f"nats-{number} does not answer its {probe}")
    for pod in ("gateway-1", "gateway-2", "reaper", "memes"):

        async def ready(pod: str = pod) -> bool:
            assert await _answer(here.port(f"{pod} HEALTH"), "/readyz") == 200, here.log(f"{TEAM}-{pod}")
            return True

        await eventually(ready, START)

    def heard() -> bool:
        return any("bot.came" in line and "memes" in line for line in here.log(f"{TEAM}-gateway-1").splitlines())

    await eventually(heard, START, because="the gateway has not heard of the memes bot")
    test = named(here.objects, "Pod", "bellboard-test")["spec"]["containers"][0]
    told = {one["name"]: one["value"] for one in test["env"]}
    token = here.folder / "token"
    token.write_text(TOKEN)
    assert told["HEALTH"] == f"http://gateway.{TEAM}.svc:9100"
    assert told["GRPC"] == f"gateway.{TEAM}.svc:9090"
    told |= {"TOKEN_FILE": str(token)}
    told |= {"HEALTH": f"http://127.0.0.1:{here.port('gateway-2 HEALTH')}", "GRPC": f"127.0.0.1:{here.port('gateway-1 GRPC')}"}
    smoke = await asyncio.create_subprocess_exec(
        sys.executable, str(CHART / "files/smoke.py"), env={**os.environ, **told}, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await smoke.communicate()

    assert smoke.returncode == 0, said.decode()
    assert said.decode().splitlines()[-1] == "roll d6: SUCCEEDED"


async def test_streams_have_as_many_copies_as_there_are_servers(here: Here) -> None:
    """In each team's account, and none outside."""
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{here.port('nats-0 monitor')}/jsz?accounts=true&streams=true&config=true"
        async with session.get(url) as answer:
            said = orjson.loads(await answer.read())
    streams = {
        account["name"]: {stream["name"]: stream["config"]["num_replicas"] for stream in account.get("stream_detail", ())}
        for account in said["account_details"]
    }

    for team in ("CORE_payments", "CORE_search"):
        assert {"LED", "ROOM", "MARK", "KEEP_memes"} <= streams[team].keys()
        assert set(streams[team].values()) == {3}
    assert [name for name, own in streams.items() if own and name not in ("CORE_payments", "CORE_search")] == []


async def test_nothing_is_said_in_the_clear_where_it_is_encrypted(here: Here) -> None:
    """Neither to clients, which are given what they are to trust, nor between servers."""
    encrypted = here.path("bellboard", CERTIFICATE).exists()
    public = here.path(TEAM, "bellboard-public") / "bus-ca.crt"
    assert public.exists() == encrypted
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port("nats-1"))
    writer.write(b"CONNECT {}\r\nPING\r\n")
    said = await asyncio.wait_for(reader.read(4), START)
    writer.close()
    assert (said != b"INFO") == encrypted
    url = f"http://127.0.0.1:{here.port('nats-1 monitor')}/varz"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        varz = orjson.loads(await answer.read())
    assert bool(varz.get("tls_required")) == bool(varz["cluster"].get("tls_required")) == encrypted


async def test_a_new_certificate_is_taken_up(here: Here) -> None:
    """By a server that runs, as soon as it is there; whoever is connected stays so."""
    if not here.path("bellboard", CERTIFICATE).exists():
        return
    beside = await here.follow(1)
    await eventually(lambda: "accounts.told" in here.log("reload-1"), START)
    before = await _shown(here)
    certify(here)

    async def another() -> bool:
        return await _shown(here) != before

    await eventually(another, START, because="the server shows its old certificate")
    assert beside.returncode is None


async def _shown(here: Here) -> str:
    """The certificate that a server of the bus shows."""
    return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", here.port("nats-1")))
