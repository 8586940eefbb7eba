"""How `bell say` shows what becomes of a line: for people, and for programs."""

from __future__ import annotations

import json
import sys

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.gateway.v1 import gateway_pb2 as gateway
from bellboard.api.ledger.v1 import ledger_pb2 as ledger

from .render import BlobUrl, plain, progress, render

WIDEST = 2000
"""Characters of a line of a table that is written to no terminal."""


def state_name(state: ledger.State.ValueType) -> str:
    """A state as people know it: "SUCCEEDED"."""
    return ledger.State.Name(state).removeprefix("STATE_")


class ForPrograms:
    """One JSON object a line on stdout: ``command_id, state, final, blocks, trace_id, at``, and ``rehearsal`` where it is one.

    ``trace_url`` is there where the gateway knows where traces are looked at.

    What says nothing new but ``at`` is left out. What the command asked for has its ``parent`` besides, and stands before
    the last line, which is the command's own.
    """

    def __init__(self) -> None:
        self._said: dict[str, object] = {}
        self._last: gateway.Card | None = None

    def card(self, card: gateway.Card) -> None:
        """The command as it now stands."""
        if card.final:
            self._last = card
        else:
            self._tell(card)

    def more(self, card: gateway.Card) -> None:
        """What it asked for, as that now stands."""
        self._tell(card, parent=card.card_id)

    def done(self) -> None:
        """There is nothing more to show."""
        if self._last is not None:
            self._tell(self._last)

    def _tell(self, card: gateway.Card, **more: object) -> None:
        state, at = state_name(card.state), card.at.ToJsonString()
        more |= {"rehearsal": True} if card.rehearsal else {}
        more |= {"trace_url": card.trace_url} if card.trace_url else {}
        self._print(card.command_id, state, card.final, list(card.blocks), card.trace_id, at, **more)

    def refused(self, why: gateway.NotUnderstood, *, final: bool) -> None:
        """It was not understood, or not accepted: nothing runs."""
        block = chat.Block(failure=chat.Failure(text=why.reason, hint=why.suggestion, code=why.code))
        now = Timestamp()
        now.GetCurrentTime()
        self._print("", why.code.upper() or "NOT_UNDERSTOOD", final, [block], "", now.ToJsonString())

    def note(self, text: str) -> None:
        """Something about the way there, on stderr."""
        print(text, file=sys.stderr)

    def _print(
        self, command: str, state: str, final: bool, blocks: list[chat.Block], trace: str, at: str, **more: object
    ) -> None:
        shown = [MessageToDict(block, preserving_proto_field_name=True) for block in blocks]
        said = {"command_id": command, "state": state, "final": final, "blocks": shown, "trace_id": trace, **more}
        if said != self._said:
            self._said = said
            print(json.dumps({**said, "at": at}, ensure_ascii=False), flush=True)


class ForPeople:
    """Blocks on stdout when the command is final; how far it is on stderr."""

    def __init__(self, url: BlobUrl) -> None:
        self._url = url
        self._out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        # Where no terminal is, whatever reads along has no width: nothing is cut.
        self._wide = self._out if self._out.is_terminal else Console(highlight=False, width=WIDEST)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._shown = ""

    def card(self, card: gateway.Card) -> None:
        """The command as it now stands."""
        if not card.final:
            self._progress(card)
            return
        for item in render(card.blocks, self._url):
            (self._wide if isinstance(item, Table) else self._out).print(item)
        if card.rehearsal:
            self._err.print(Text("rehearsal: it ran against the sandbox", style="dim"))
        if card.state != ledger.STATE_SUCCEEDED:
            is_told = any(block.failure.text == card.reason for block in card.blocks)
            reason = f": {plain(card.reason)}" if card.reason and not is_told else ""
            self._err.print(
                Text(f"{state_name(card.state)}{reason}  ({card.command_id[:6]}, trace {card.trace_id})", style="bold")
            )
            if card.trace_url:
                self._err.print(Text(plain(card.trace_url), style="dim"))

    def more(self, card: gateway.Card) -> None:
        """What it asked for, as that now stands."""
        if card.final and not card.silent:
            self._out.print(Text(f"» {plain(card.line)}", style="bold"))
            self.card(card)

    def done(self) -> None:
        """There is nothing more to show."""

    def refused(self, why: gateway.NotUnderstood, *, final: bool) -> None:
        """It was not understood, or not accepted: nothing runs."""
        if why.length:
            self._err.print(Text(plain(why.line)))
            before, marked = plain(why.line[: why.caret]), plain(why.line[why.caret : why.caret + why.length])
            # Some characters are two columns wide.
            self._err.print(Text(" " * cell_len(before) + "^" * max(1, cell_len(marked)), style="red"))
        self._err.print(Text(plain(why.reason), style="red"))
        if right := why.corrected or why.suggestion:
            self._err.print(Text(plain(right), style="yellow"))

    def note(self, text: str) -> None:
        """Something about the way there."""
        self._err.print(Text(text, style="dim"))

    def _progress(self, card: gateway.Card) -> None:
        bars = [progress(block.progress) for block in card.blocks if block.HasField("progress")]
        steps = [step.name for step in card.steps if step.state == ledger.STEP_STATE_STARTED]
        waits = [plain(card.reason)] if card.state == ledger.STATE_QUEUED else []
        now = " ".join([state_name(card.state), *waits, *steps, *bars[-1:]])
        if now != self._shown:
            self._shown = now
            self.note(now)
