"""Grafana's dashboards, and the rules of what is promised, as code: `make dashboards` writes them below helm/bellboard/files.

`parts` knows panels, variables and how queries are said; `promises` the objectives; every other module is one dashboard.
"""
