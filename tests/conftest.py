"""Fixtures for every test; and where CI runs them, none may be skipped."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import hypothesis
import pytest
import structlog

from bellboard.telemetry import logs

pytest_plugins = ["bellboard.testing.plugin"]


def pytest_configure() -> None:
    """Tracebacks in the log are plain: the pretty ones of structlog's default, locals and all, take seconds each.

    No example has a deadline, on a slow machine as in CI, for which Hypothesis has a profile of its own.
    """
    if hypothesis.settings.get_current_profile_name() == "default":
        hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
        hypothesis.settings.load_profile("patient")
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A service that a test starts in this process has its log written where it is closed after the test."""
    config, logger = structlog.get_config(), logs._logger
    yield
    structlog.configure(**config)
    logs._logger = logger


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true what can't be tested has failed: a machine that lacks something proves nothing."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"skipped, which CI takes for failed: {reason}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser come last: Playwright keeps an event loop in the main thread, where no other can run after it.

    `make test` has two processes share the work; each is handed a file at a time, in this order.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
