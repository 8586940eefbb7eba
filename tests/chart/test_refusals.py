"""What is wrong with values is said before anything is installed, in a line that names the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.render import Refused, made

WRONG: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("wrong.yaml").read_text())


@pytest.mark.parametrize("case", WRONG, ids=[case["says"][:60] for case in WRONG])
def test_wrong_values_are_refused_with_their_place(case: dict[str, Any]) -> None:
    """A wrong key, a wrong word, a number out of range, and values that don't go together."""
    with pytest.raises(Refused) as refused:
        made(case["values"])

    assert [line for line in str(refused.value).splitlines() if case["says"] in line], str(refused.value)


@pytest.mark.parametrize("release", ["a" * 43, "bell.board", "1bell"])
def test_a_release_whose_objects_could_have_no_names_is_refused(release: str) -> None:
    """Kubernetes would refuse a Service or the Job, after all else was made."""
    with pytest.raises(Refused, match=f"the release can't be called {release}: "):
        made({}, release=release)


def test_a_team_whose_namespace_could_have_no_name_is_refused() -> None:
    """It may have a long name, and so may the release, but not both."""
    with pytest.raises(Refused, match=r"teams\.t+\.namespace: by itself it would be r+-t+, which is longer than 63 letters"):
        made({"teams": {"t" * 31: {}}}, release="r" * 42)


def test_enough_mistakes_are_tried() -> None:
    """Of both sorts: what the schema says, and what values say together."""
    assert len([case for case in WRONG if case["says"].startswith("at ")]) >= 30
