"""`bell hooks` against a mesh as it comes: what it prints can be pasted."""

from __future__ import annotations

import json
import subprocess
import urllib.request

import pytest
import yaml

from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_what_it_prints_can_be_pasted(mesh: Mesh) -> None:
    """A shell's lines are taken; Alertmanager's are YAML whose address answers; Grafana's address answers."""
    lines = mesh.bell("hooks", "generic")
    done = subprocess.run(["/bin/sh", "-c", lines.stdout], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["taken"] >= 1

    written = yaml.safe_load(mesh.bell("hooks", "alertmanager").stdout)
    (receiver,) = written["receivers"]
    grafana = mesh.bell("hooks", "grafana").stdout.rpartition("URL: ")[2].strip()
    for address in (receiver["webhook_configs"][0]["url"], grafana):
        body = json.dumps({"version": "4", "groupKey": "e2e", "status": "resolved", "alerts": []}).encode()
        with urllib.request.urlopen(urllib.request.Request(address, body)) as answer:
            assert answer.status == 202


def test_all_of_them_are_listed(mesh: Mesh) -> None:
    """With what each proves itself by; a name that is none is answered with those that are."""
    said = mesh.bell("hooks").stdout
    assert all(name in said for name in ("alertmanager", "grafana", "generic"))
    for hook in json.loads(mesh.bell("hooks", "--json").stdout):
        assert hook["address"] in said or hook["name"] == "generic"
        assert hook["secret"] in said
    unknown = mesh.bell("hooks", "nothing")
    assert unknown.returncode == 1
    assert "there are: alertmanager, grafana, generic" in unknown.stderr
