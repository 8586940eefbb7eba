"""An old copy of the store is put back on one machine, as docs/operate/backup.md says it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bellboard.testing import eventually
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


async def test_an_old_copy_of_the_store_is_put_back(tmp_path: Path) -> None:
    """Nothing that changes something runs until an owner accepts it, and `bell doctor` says so."""
    mesh = Mesh(tmp_path / "data")
    store, copied, options = mesh.data / "nats" / "store", tmp_path / "copy", ("--port", "0", "--no-sandbox")
    try:
        mesh.start(*options)
        mesh.stop()
        shutil.copytree(store, copied)
        mesh.start(*options)
        assert mesh.say("practice fire lost").exit == 0
        mesh.stop()
        shutil.rmtree(store)
        shutil.copytree(copied, store)
        mesh.start(*options)

        refused = mesh.say("practice fire again")
        doctor = mesh.bell("doctor")
        status = mesh.bell("status")
        read = mesh.say("practice look stars")
        accepted = mesh.say("accept history")
        # Bots begin anew when it is accepted; a line that comes meanwhile is told that none is there, and is not run.
        await eventually(lambda: mesh.say("practice fire after").exit == 0, 60)

        assert refused.exit == 1
        assert "until an owner types “accept history”" in refused.out + refused.err
        assert doctor.returncode == 1
        assert "safe mode: the bus lost history (it ends at record" in doctor.stdout
        assert "docs/operate/losing-history.md" in doctor.stdout
        assert "safe mode" in status.stdout
        assert (read.exit, accepted.exit) == (0, 0)
        await eventually(lambda: "safe mode" not in mesh.bell("status").stdout, 60)  # every bot begins anew by itself
        assert mesh.effects.read_text().count(" fire ") == 2
    finally:
        mesh.stop()
