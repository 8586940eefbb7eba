"""`bell bot enrol`: a bot is admitted once, and starts with the others."""

from __future__ import annotations

import pytest

from bellboard.testing import eventually
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def test_a_bot_that_is_enrolled_while_everything_runs_is_started(own_mesh: Mesh) -> None:
    """It gets its account, is started, and answers; nobody restarts anything."""
    own_mesh.practice = False
    own_mesh.start()
    gateway = own_mesh.pid("gateway")
    assert own_mesh.say("practice look").exit == 2

    done = own_mesh.bell("bot", "enrol", "practice", "--module", "bellboard_practice", "--open")

    assert done.returncode == 0, done.stderr
    assert "first words practice; effects READ, IDEMPOTENT, ONCE" in done.stdout
    own_mesh.wait_for("practice is enrolled, and started")
    await eventually(lambda: own_mesh.say("practice look").exit == 0, 30)
    assert own_mesh.pid("gateway") == gateway


def test_enrolling_twice_changes_no_key(own_mesh: Mesh) -> None:
    """It may be done again, to open or close a bot."""
    own_mesh.bell("bot", "enrol", "practice", "--module", "bellboard_practice")
    key = (own_mesh.data / "keys" / "practice.nk").read_text()

    own_mesh.bell("bot", "enrol", "practice", "--module", "bellboard_practice", "--open")

    assert (own_mesh.data / "keys" / "practice.nk").read_text() == key
    assert own_mesh.data.joinpath("enrolled.yaml").read_text().count("bot: practice") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "no bot nobody is installed"),
        (["nobody", "--module", "no_such_module"], "there is no module no_such_module"),
        (["other", "--module", "bellboard_practice"], "bellboard_practice is the bot practice, not other"),
        (["json", "--module", "json"], "there is no module json.bot"),
    ],
)
def test_what_can_not_be_enrolled_is_refused_in_one_line(own_mesh: Mesh, arguments: list[str], said: str) -> None:
    """It names the reason."""
    done = own_mesh.bell("bot", "enrol", *arguments)

    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
