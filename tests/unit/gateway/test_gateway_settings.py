"""What a gateway is told, in a container and out of one."""

from __future__ import annotations

import pytest

from bellboard.errors import SettingsError
from bellboard_gateway.settings import GatewaySettings

NEEDED = [
    "NKEY_FILE",
    "TRUST_FILE",
    "BOX_KEY_FILE",
    "PEOPLE_FILE",
    "POLICY_DIR",
    "ENROLLED_FILE",
    "SIGN_KEY_FILE",
    "KEY_ID",
    "SESSION_KEY_FILE",
]


@pytest.fixture(autouse=True)
def needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no default."""
    for name in NEEDED:
        monkeypatch.setenv(f"BELLBOARD_{name}", "x")


def test_nobody_from_elsewhere_comes_in_unless_it_is_said() -> None:
    """Both doors are on the loopback."""
    settings = GatewaySettings.load("gateway")
    assert (settings.web_host, settings.grpc_host, settings.alone) == ("127.0.0.1", "127.0.0.1", True)


def test_a_gateway_that_others_reach_is_not_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in its pod speaks to it from the loopback, whoever asks."""
    monkeypatch.setenv("BELLBOARD_GRPC_HOST", "0.0.0.0")
    assert not GatewaySettings.load("gateway").alone


@pytest.mark.parametrize("url", ["", "https://bell.example.com", "http://bell.example.com:8080/"])
def test_a_public_url_is_a_scheme_and_a_host(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """And perhaps a port."""
    monkeypatch.setenv("BELLBOARD_PUBLIC_URL", url)
    assert GatewaySettings.load("gateway").public_url == url


@pytest.mark.parametrize("url", ["bell.example.com", "ftp://x", "https://", "https://x/room", "https://a@b", "https://x y"])
def test_anything_else_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """At the start."""
    monkeypatch.setenv("BELLBOARD_PUBLIC_URL", url)
    with pytest.raises(SettingsError, match="BELLBOARD_PUBLIC_URL"):
        GatewaySettings.load("gateway")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://jaeger.example.com/trace/{trace_id}",
        "http://grafana:3000/explore?left=[%22now-1h%22,%22now%22,%22Tempo%22,%20{trace_id}]",
    ],
)
def test_an_address_of_traces_has_their_id_in_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Or there is none."""
    monkeypatch.setenv("BELLBOARD_TRACE_URL", url)
    assert GatewaySettings.load("gateway").trace_url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://jaeger.example.com/trace/",
        "https://jaeger.example.com/{trace_id}/{trace_id}",
        "https://jaeger.example.com/{id}?t={trace_id}",
        "https://{trace_id}.example.com/",
        "javascript:alert('{trace_id}')",
        "jaeger.example.com/{trace_id}",
        "https://jaeger.example.com/a b/{trace_id}",
    ],
)
def test_an_address_that_leads_nowhere_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """By the name of the setting: a link on every card that is wrong would be found out much later."""
    monkeypatch.setenv("BELLBOARD_TRACE_URL", url)
    with pytest.raises(SettingsError, match="BELLBOARD_TRACE_URL"):
        GatewaySettings.load("gateway")
