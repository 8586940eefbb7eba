"""The only way in which tests wait."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds: what takes none on a quiet machine may take some on a busy one."""


@overload
async def eventually(check: Callable[[], Awaitable[T]], timeout: float = PATIENCE, *, because: str = "") -> T: ...
@overload
async def eventually(check: Callable[[], T], timeout: float = PATIENCE, *, because: str = "") -> T: ...
async def eventually(check: Callable[[], T | Awaitable[T]], timeout: float = PATIENCE, *, because: str = "") -> T:
    """Try until a check gives something true, and return that. A check may also assert.

    Raises:
        AssertionError: it did not within ``timeout`` seconds; the last failed assertion, if the check made any.
    """
    deadline = time.monotonic() + timeout
    while True:
        failed: AssertionError | None = None
        try:
            found = check()
            value: T = await found if inspect.isawaitable(found) else found
            if value:
                return value
        except AssertionError as error:
            failed = error
        if time.monotonic() > deadline:
            raise failed or AssertionError(because or f"did not happen within {timeout} s")
        await asyncio.sleep(0.02)
