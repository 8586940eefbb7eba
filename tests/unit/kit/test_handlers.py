"""Functions are checked against their contract when they are declared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from bellboard import Block, Bot, Call, ContractError, Reply, text
from bellboard.api.chat.v1.chat_pb2 import BlobRef
from bellboard.api.memes.v1 import memes_pb2
from bellboard_practice.v1 import practice_pb2 as pb


class Thing:
    """Something provided."""


@pytest.fixture
def bot() -> Bot:
    """The practice contract, without a handler."""
    return Bot(pb.DESCRIPTOR.services_by_name["PracticeService"], version="0")


def refuse(bot: Bot, function: Callable[..., Any]) -> str:
    with pytest.raises(ContractError) as refused:
        bot.command(function)
    return refused.value.text


def test_a_function_that_agrees_is_taken(bot: Bot) -> None:
    """Fields in any order, providers after the star, a default that the contract has too."""

    @bot.command
    async def set_(call: Call, wait: timedelta, value: int = 1, mark: str = "", *, thing: Thing) -> Block:
        """Set a mark, however often it is told to."""
        return text(mark)

    assert bot.needs == (Thing,)
    assert list(bot.handlers) == ["Set"]


def test_a_function_without_a_method_is_refused(bot: Bot) -> None:
    """Its name is the method's."""

    async def jump(call: Call) -> Block:
        return text("")

    assert "no method for the function jump" in refuse(bot, jump)


def test_a_second_handler_is_refused(bot: Bot) -> None:
    """One method, one function."""

    async def ask(call: Call, label: str) -> Block:
        """Ask before doing."""
        return text("")

    bot.command(ask)
    assert "two handlers" in refuse(bot, ask)


def test_every_mismatch_is_named_at_once(bot: Bot) -> None:
    """The author need not run it once for each."""

    def fire(who: str, label: int, wait: float, colour: str, *, thing) -> Block:  # type: ignore[no-untyped-def]
        """Shoot."""
        return text(who)

    message = refuse(bot, fire)

    for part in (
        "test_handlers",
        "fire",
        "PracticeService.Fire",
        "must be `async def`",
        "first parameter must be `call: Call`",
        "colour is no field of FireRequest",
        "the field fail is missing",
        "label must be a str",
        "wait must be a timedelta",
        "thing comes after * and needs a class",
        "docstring must begin 'Do what must not happen twice'".replace("begin", "begin with"),
    ):
        assert part in message


def test_a_default_that_disagrees_is_refused(bot: Bot) -> None:
    """The contract's default is the one that people are told."""

    async def look(call: Call, wait: timedelta, word: str = "there") -> Block:
        """Do nothing, and say so."""
        return text("")

    assert "the default of word is '' in the contract, not 'there'" in refuse(bot, look)


def test_a_streaming_method_needs_a_generator(bot: Bot) -> None:
    """And the other way round."""

    async def climb(call: Call, hill: str, wait: timedelta) -> Block:
        """Go through three steps."""
        return text("")

    async def ask(call: Call, label: str) -> AsyncIterator[Block]:
        """Ask before doing."""
        yield text("")

    assert "must be an async generator" in refuse(bot, climb)
    assert "without yield" in refuse(bot, ask)


def test_an_answer_of_another_method_is_refused(bot: Bot) -> None:
    """A response message belongs to one method."""

    async def ask(call: Call, label: str) -> pb.SendResponse:
        """Ask before doing."""
        return pb.SendResponse()

    assert "must give a AskResponse, a Reply or blocks, not a SendResponse" in refuse(bot, ask)


def test_an_unknown_type_is_named(bot: Bot) -> None:
    """A type imported for the type checker alone can't be checked."""

    async def ask(call: Call, label: Nowhere) -> Block:  # type: ignore[name-defined]  # noqa: F821
        return text("")

    assert "Nowhere" in refuse(bot, ask)


@pytest.mark.parametrize(
    ("hint", "fine"),
    [(BlobRef | None, True), (BlobRef, True), (Reply | None, False), (str, False)],
    ids=str,
)
def test_a_message_may_be_none_where_it_is_left_out(bot: Bot, hint: Any, fine: bool) -> None:
    """Whether it can be is for the author to say."""

    async def make(call: Call, template: int, top: str, bottom: str, picture: Any) -> Block:
        """Put words on a picture."""
        return text("")

    make.__annotations__["picture"] = hint
    memes = Bot(memes_pb2.DESCRIPTOR.services_by_name["MemesService"], version="0")
    if fine:
        memes.command(make)
    else:
        assert "picture must be a BlobRef" in refuse(memes, make)


@pytest.mark.parametrize("hint", [str, Sequence[int], tuple[str, ...]], ids=str)
def test_a_repeated_field_is_a_sequence(bot: Bot, hint: Any) -> None:
    """Of the right thing."""

    async def every(call: Call, tag: Any) -> Block:
        return text("")

    every.__annotations__["tag"] = hint

    assert "tag must be a Sequence[str]" in refuse(bot, every)


def test_a_bot_with_holes_does_not_start(bot: Bot) -> None:
    """Every method that has no handler is named."""
    every = "Look, Set, Fire, Probe, Climb, Ask, Send, Unsend, Beat, Take, List, Total, Every"
    with pytest.raises(ContractError, match=f"no handler for {every}"):
        bot.check()
