"""What a graph shows, in words."""

from __future__ import annotations

from bellboard_graphs.figures import figures, say, sparkline
from bellboard_graphs.series import Series
from bellboard_graphs.story import Event, tell

BEGIN = 1_795_000_020.0  # 11:07 UTC
DEPLOY = Event("D142", "deploy", BEGIN + 60, "shop v2 to prod")


def line(*values: float | None) -> Series:
    """A value every ten seconds."""
    return Series("", tuple(BEGIN + 10 * i for i in range(len(values))), values)


def test_a_rise_after_a_deploy_is_told_with_it() -> None:
    """From what to what, after what, and how it ended."""
    told = tell("Errors of shop", [("errors of v2", "%", line(*[0.0] * 8, 23.0, 22.0, 23.0, *[0.0] * 9))], [DEPLOY])

    assert told == (
        "Errors of shop. Errors of v2 rose from 0 % to 23 % after D142, back to 0 % after 11:08. "
        "Marked: D142 (shop v2 to prod) at 11:08."
    )


def test_a_rise_that_goes_on_says_what_it_is_now() -> None:
    """Nothing is said of an end."""
    assert (
        tell("", [("errors", "%", line(0, 0, 0, 0, 10, 20, 19))], [])
        == "Errors rose from 0 % to 20 % from 11:07 on, and is 19 % now."
    )


def test_a_fall_is_told_as_one() -> None:
    """With its end."""
    assert "fell from 100 /s to 10 /s" in tell("", [("rps", "/s", line(100, 100, 98, 40, 10, 10))], [])


def test_a_steady_line_is_told_as_one() -> None:
    """Small movements are no story, and neither is jitter."""
    assert "stayed about 0.2 s" not in tell("", [("latency", "s", line(0.2, 0.21, 0.19, 0.2))], [])
    assert "stayed about 200 ms" in tell("", [("latency", "s", line(0.2, 0.21, 0.19, 0.2))], [])
    assert "stayed about" in tell("", [("errors", "%", line(*[0.1, 0.5, 0.2, 0.4, 0.1] * 8))], [])


def test_a_line_without_values_says_so() -> None:
    """Gaps are no zeros."""
    assert tell("", [("rps", "/s", line(None, None))], []) == "Rps has no values."


def test_values_are_read_easily() -> None:
    """Three digits, the unit that fits."""
    values = [(0.0, "s"), (0.183, "s"), (2.5, "s"), (157286400.0, "bytes"), (23.04, "%"), (12345.0, "")]

    assert [say(*value) for value in values] == ["0", "183 ms", "2.5 s", "150 MiB", "23 %", "12,345"]


def test_a_sparkline_rises_with_its_values() -> None:
    """From zero, and with a dot where nothing is known."""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([1.0, None, 1.0]) == "█·█"
    assert sparkline([]) == ""
    assert len(sparkline([1.0] * 500)) == 24


def test_figures_are_numbers_with_their_unit() -> None:
    """Least, average, largest, last; a line that ended has no last."""
    shown = figures([("a", "s", line(0.1, 0.2, 0.3)), ("b", "s", line(0.1, None, None, None))]).table

    assert [column.unit for column in shown.columns] == ["", "", "ms", "ms", "ms", "ms"]
    assert [cell.number for cell in shown.rows[0].cells[2:]] == [100, 200, 300, 300]
    assert shown.rows[1].cells[5].WhichOneof("value") is None


def test_figures_of_several_units_name_them_behind_the_lines() -> None:
    """Each read as easily as if it stood alone; a heading can name only one."""
    shown = figures([("errors", "%", line(4.0)), ("latency", "s", line(0.0654)), ("restarts", "", line(2.0))]).table

    assert {column.unit for column in shown.columns} == {""}
    assert [(row.cells[0].text, row.cells[5].number) for row in shown.rows] == [
        ("errors (%)", 4),
        ("latency (ms)", 65.4),
        ("restarts", 2),
    ]
