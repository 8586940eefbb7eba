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


def test_enough_mistakes_are_tried() -> None:
    """Of both sorts: what the schema says, and what values say together."""
    assert len([case for case in WRONG if case["says"].startswith("at ")]) >= 30
