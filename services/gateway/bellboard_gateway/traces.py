"""Where people look at traces: an address with the trace's id in it, as Tempo, Jaeger and their like have."""

from __future__ import annotations

from urllib.parse import urlsplit

FIELD = "{trace_id}"


def check(template: str) -> str:
    """The template of an address, made sure of; empty for none.

    Raises:
        ValueError: it is no http or https address with `FIELD` once, behind its host, and no other braces.
    """
    if not template:
        return template
    parts = urlsplit(template)
    rest = template.replace(FIELD, "", 1)
    wrong = parts.scheme not in ("http", "https") or not parts.hostname or FIELD in parts.netloc or rest == template
    if wrong or any(sign in "{}" or sign.isspace() or not sign.isprintable() for sign in rest):
        raise ValueError("it must be an http address with {trace_id} in it, once")
    return template


def url(template: str, trace_id: str) -> str:
    """Where one trace is; empty where there is no template, or no trace."""
    return template.replace(FIELD, trace_id) if template and trace_id else ""
