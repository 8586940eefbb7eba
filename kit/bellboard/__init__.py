"""Build chat bots that never lose a command. What stands here is what a bot needs; each name is loaded when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.chat.v1.chat_pb2 import BlobRef, Block, Reply
    from .bot import Bot
    from .call import Call
    from .errors import BellboardError, ContractError, Failed, ProviderError, SettingsError, UserError
    from .providers import Providers
    from .replies import choice, code, failure, image, link, progress, question, reply, table, text
    from .runner import run
    from .settings import BotSettings, ServiceSettings

__all__ = [
    "BellboardError",
    "BlobRef",
    "Block",
    "Bot",
    "BotSettings",
    "Call",
    "ContractError",
    "Failed",
    "ProviderError",
    "Providers",
    "Reply",
    "ServiceSettings",
    "SettingsError",
    "UserError",
    "choice",
    "code",
    "failure",
    "image",
    "link",
    "progress",
    "question",
    "reply",
    "run",
    "table",
    "text",
]

_HOMES = {
    "api.chat.v1.chat_pb2": ("BlobRef", "Block", "Reply"),
    "bot": ("Bot",),
    "call": ("Call",),
    "errors": ("BellboardError", "ContractError", "Failed", "ProviderError", "SettingsError", "UserError"),
    "providers": ("Providers",),
    "replies": ("choice", "code", "failure", "image", "link", "progress", "question", "reply", "table", "text"),
    "runner": ("run",),
    "settings": ("BotSettings", "ServiceSettings"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
