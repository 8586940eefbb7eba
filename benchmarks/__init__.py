"""Timings. They print figures and never fail a build."""
