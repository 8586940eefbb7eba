"""From a line to a typed request, and from contracts to help and completion."""

from .canonical import MASK, canonical
from .complete import Completion
from .errors import NotUnderstood
from .help import help_blocks
from .normalise import MAX_BYTES, MAX_WORDS, normalise
from .parse import Parsed
from .pipes import join, stages
from .values import Nowhere, Scope, picture_word
from .vocabulary import Vocabulary

__all__ = [
    "MASK",
    "MAX_BYTES",
    "MAX_WORDS",
    "Completion",
    "NotUnderstood",
    "Nowhere",
    "Parsed",
    "Scope",
    "Vocabulary",
    "canonical",
    "help_blocks",
    "join",
    "normalise",
    "picture_word",
    "stages",
]
