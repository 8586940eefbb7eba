"""What is understood of what comes in: known formats, newer ones, broken ones, and anything at all."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from bellboard_oncall.alerts.formats import read
from bellboard_oncall.alerts.model import Notice, Taken

NOW = 1_800_000_000.0


def taken(said: Any, format: str = "alertmanager", *more: Any) -> Taken:
    bodies = [one if isinstance(one, bytes) else orjson.dumps(one) for one in (said, *more)]
    return read("am", format, [(number, NOW, body) for number, body in enumerate(bodies, 1)])


def one(said: Any, format: str = "alertmanager") -> Notice:
    found = taken(said, format)
    assert not found.bad, found.bad
    assert len(found.notices) == 1
    return found.notices[0]


ALERTMANAGER: dict[str, Any] = {
    "receiver": "bellboard",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "HighErrors", "app": "shop", "instance": "a", "severity": "critical"},
            "annotations": {"summary": "shop fails", "runbook_url": "https://wiki/shop"},
            "startsAt": "2027-01-15T08:00:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus/graph?g0",
            "fingerprint": "05a1",
        },
        {
            "status": "resolved",
            "labels": {"alertname": "HighErrors", "app": "shop", "instance": "b", "severity": "critical"},
            "annotations": {},
            "startsAt": "2027-01-15T07:00:00Z",
            "endsAt": "2027-01-15T08:00:00Z",
            "generatorURL": "",
            "fingerprint": "05a2",
        },
    ],
    "groupLabels": {"alertname": "HighErrors"},
    "commonLabels": {"alertname": "HighErrors", "app": "shop", "severity": "critical"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager",
    "version": "4",
    "groupKey": '{}:{alertname="HighErrors"}',
    "truncatedAlerts": 3,
}


def test_alertmanagers_format_is_understood() -> None:
    """Version 4, as its documentation shows it; nothing begins after it came."""
    notice = one(ALERTMANAGER)
    assert notice.group == 'am/{}:{alertname="HighErrors"}'
    assert (notice.title, notice.summary, notice.left_out, notice.silencer) == ("HighErrors", "shop fails", 3, True)
    assert dict(notice.labels) == {"alertname": "HighErrors", "app": "shop", "severity": "critical"}
    first, second = notice.alerts
    assert (first.fingerprint, first.firing, first.starts) == ("05a1", True, NOW)
    assert (first.runbook, first.url) == ("https://wiki/shop", "http://prometheus/graph?g0")
    assert (second.firing, second.url) == (False, "")


def test_a_newer_version_is_taken_as_far_as_it_is_understood() -> None:
    """Fields nobody knows are passed over, and those that are gone are filled in."""
    newer = {
        "version": "5",
        "notificationReason": "group changed",
        "alerts": [{"labels": {"alertname": "Down", "app": "shop"}, "status": "firing", "urgency": {"deep": [1]}}],
    }
    notice = one(newer)
    assert (notice.title, notice.alerts[0].firing, notice.alerts[0].starts) == ("Down", True, NOW)
    assert one(newer).group == notice.group


def test_grafanas_format_is_understood() -> None:
    """Its unified alerting: the same and more, without an Alertmanager that silences could be set at."""
    grafana = {
        **ALERTMANAGER,
        "version": "1",
        "orgId": 1,
        "title": "[FIRING:1] HighErrors",
        "state": "alerting",
        "message": "**Firing**",
        "alerts": [
            {
                **ALERTMANAGER["alerts"][0],
                "dashboardURL": "https://grafana/d/1",
                "silenceURL": "https://grafana/s",
                "values": {"A": 1},
            }
        ],
    }
    notice = one(grafana, "grafana")
    assert (notice.title, notice.silencer, notice.alerts[0].dashboard) == ("HighErrors", False, "https://grafana/d/1")


def test_a_plain_alert_needs_a_title_and_no_more() -> None:
    """Our own format, for scripts."""
    notice = one({"title": "Backup failed"}, "generic")
    assert (notice.title, notice.alerts[0].firing) == ("Backup failed", True)
    over = one({"title": "Backup failed", "status": "ok"}, "generic")
    assert (over.group, over.alerts[0].fingerprint) == (notice.group, notice.alerts[0].fingerprint)
    assert over.alerts[0].firing is False


def test_plain_alerts_come_in_lists_and_groups() -> None:
    """Several in one request; what has the same group is one group."""
    said = [
        {"title": "Disk full", "group": "disks", "labels": {"host": "a"}, "severity": "page", "url": "https://x/1"},
        {"title": "Disk full", "group": "disks", "labels": {"host": "b"}},
    ]
    notices = taken(said, "generic").notices
    assert [notice.group for notice in notices] == ["am/disks", "am/disks"]
    assert notices[0].place < notices[1].place
    assert notices[0].alerts[0].fingerprint != notices[1].alerts[0].fingerprint
    assert notices[0].labels["severity"] == "page"


def test_what_is_bad_spoils_nothing_beside_it() -> None:
    """Of a batch, of a list, and of a group."""
    found = taken(
        b"{not json",
        "alertmanager",
        ALERTMANAGER,
        {"alerts": "none"},
        7,
        {**ALERTMANAGER, "alerts": [5, {"labels": {"a": "b"}}]},
    )
    assert [len(notice.alerts) for notice in found.notices] == [2, 1]
    assert len(found.bad) == 4
    listed = taken([{"title": "x"}, {"no": "title"}, None], "generic")
    assert (len(listed.notices), len(listed.bad)) == (1, 2)


def test_addresses_that_are_none_and_characters_that_trick_the_eye_are_left_out() -> None:
    """Everything in it was written by somebody outside."""
    notice = one({"title": "a\u202eb\x00c", "url": "javascript:alert(1)", "runbook": "https://x y"}, "generic")
    assert (notice.title, notice.alerts[0].url, notice.alerts[0].runbook) == ("a b c", "", "")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "alerts",
                    "labels",
                    "title",
                    "status",
                    "groupKey",
                    "groupLabels",
                    "startsAt",
                    "fingerprint",
                    "annotations",
                    "truncatedAlerts",
                    "url",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@settings(deadline=None)
@given(st.lists(JSON | st.binary(max_size=30), max_size=4), st.sampled_from(["alertmanager", "grafana", "generic", "other"]))
def test_nothing_that_comes_in_breaks_it(bodies: list[Any], format: str) -> None:
    """And what is good among it is taken."""
    good = ALERTMANAGER if format != "generic" else {"title": "good"}
    packed = []
    for body in bodies:
        try:
            packed.append(body if isinstance(body, bytes) else orjson.dumps(body))
        except (TypeError, orjson.JSONEncodeError):
            packed.append(b"{")
    found = read("am", format, [(n, NOW, body) for n, body in enumerate([*packed, orjson.dumps(good)], 1)])
    if format != "other":
        assert any(notice.title in ("HighErrors", "good") for notice in found.notices)
    assert all(notice.title and notice.group for notice in found.notices)


def test_labels_that_were_cut_off_are_silenced_here_alone() -> None:
    """The sender knows no such labels: a silence of them there would hold nothing, and asking for them finds nothing."""
    labels = {"alertname": "Slow", "query": "x" * 300}
    body = {"groupKey": "g", "commonLabels": labels, "alerts": [{"labels": labels, "status": "firing"}]}

    (said,) = read("am", "alertmanager", [(1, NOW, orjson.dumps(body))]).notices

    assert (len(said.labels["query"]), said.silencer) == (200, False)
