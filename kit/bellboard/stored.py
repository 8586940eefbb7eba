"""Reading what another version wrote down: while an upgrade goes on, or after it was taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def revive(kind: type[T], said: Mapping[str, Any]) -> T:
    """A dataclass from its fields by name. Those that it does not have were written by a newer version, and are passed over.

    Raises:
        TypeError: a field without a default is missing.
    """
    return kind(**{field.name: said[field.name] for field in fields(kind) if field.name in said})  # type: ignore[arg-type]
