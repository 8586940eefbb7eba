"""The one tree of errors.

What a person sees of an error is `text` and `hint`: short, without secrets or tracebacks. Everything else goes to the log,
under the trace id that the person is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bellboard.api.chat.v1.chat_pb2 import Block


class BellboardError(Exception):
    """The root. ``text`` names the cause, ``hint`` the nearest right form, ``code`` is for programs."""

    code = "internal"

    def __init__(self, text: str, *, hint: str = "") -> None:
        self.text, self.hint = text, hint
        super().__init__(f"{text} ({hint})" if hint else text)


class SettingsError(BellboardError):
    """A setting is missing or wrong. Raised at start."""

    code = "settings"


class ContractError(BellboardError):
    """A bot and its contract do not agree, or the contract breaks a rule. Raised at import."""

    code = "contract"


class UserError(BellboardError):
    """The person can put it right: an argument that names nothing, a state that does not allow it. Nothing happened."""

    code = "user"


class Failed(BellboardError):
    """It did not work, and it is certain that nothing happened, or that all of it was undone.

    ``blocks`` are shown below: what was tried, and how it was undone.
    """

    code = "failed"

    def __init__(self, text: str, *, hint: str = "", blocks: Sequence[Block] = ()) -> None:
        super().__init__(text, hint=hint)
        self.blocks = tuple(blocks)


class ProviderError(BellboardError):
    """An outside system did not do what was asked. Whether anything happened is not known unless the effect is READ."""

    code = "provider"


class EnvelopeError(BellboardError):
    """A command on the bus is unsigned, wrongly signed, or not what its subject says."""

    code = "envelope"


class UnknownKey(EnvelopeError):
    """It is signed with a key that is not trusted: a stranger's, an old one, or one that has yet to become known here."""


class BlobError(BellboardError):
    """A blob is not there, is too large, or is not what its hash says."""

    code = "blob"


class BusError(BellboardError):
    """The bus did not do what was asked."""

    code = "bus"


class BusUnavailable(BusError):
    """The bus can't be reached. Nothing was sent."""


class HistoryLost(BusUnavailable):
    """The bus has lost history, or may have, so that nothing is run that changes something. Nothing was sent."""


class Unconfirmed(BusError):
    """The bus did not answer in time. What was sent may be stored now, later or never."""


class CasLost(BusError):
    """Another message came first on the subject."""


class TooLarge(BusError):
    """A message is larger than the bus takes. Nothing was sent."""


class Refused(BusError):
    """The bus did not permit it, or refused it for a reason that will not pass by itself."""
