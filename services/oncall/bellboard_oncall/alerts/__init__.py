"""Alerts: what burns, one card per group."""
