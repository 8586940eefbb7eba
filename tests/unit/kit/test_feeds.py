"""Feeds: names that nobody guesses, and what may stand under them."""

from __future__ import annotations

import pytest

from bellboard.errors import UserError
from bellboard.feeds import LARGEST, NAME, Feed, hashed, new_name
from bellboard.feeds.memory import MemoryFeeds


async def test_what_was_put_last_is_served_until_it_is_forgotten() -> None:
    """Forgetting what is not there is nothing."""
    feeds, name = MemoryFeeds(), new_name()
    await feeds.put(name, b"one", media_type="text/calendar")
    await feeds.put(name, b"two", media_type="text/calendar")
    assert feeds.served == {name: Feed(b"two", "text/calendar")}
    await feeds.forget(name)
    await feeds.forget(name)
    assert feeds.served == {}


def test_a_new_name_is_a_name_and_another_each_time() -> None:
    """With 192 bits of chance."""
    names = {new_name() for _ in range(100)}
    assert len(names) == 100
    assert all(NAME.fullmatch(name) for name in names)


@pytest.mark.parametrize("name", ["", "short", "a" * 65, "a" * 21, "a" * 22 + "/", "a" * 22 + ".b", "ä" * 30])
async def test_what_could_be_guessed_is_no_name(name: str) -> None:
    """Nor what means something on the bus or in a path."""
    with pytest.raises(ValueError, match="no name"):
        hashed(name)
    with pytest.raises(ValueError, match="no name"):
        await MemoryFeeds().forget(name)


async def test_a_feed_has_a_type_and_an_end() -> None:
    """Said to the bot's author, before anything is served."""
    with pytest.raises(ValueError, match="media type"):
        await MemoryFeeds().put(new_name(), b"x", media_type="text/calendar\r\nSet-Cookie: a=b")
    with pytest.raises(UserError, match="too large"):
        await MemoryFeeds().put(new_name(), bytes(LARGEST + 1), media_type="text/calendar")
