"""Fixtures for every test."""

pytest_plugins = ["bellboard.testing.plugin"]
