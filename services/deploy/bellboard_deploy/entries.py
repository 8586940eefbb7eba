"""What a file of environments says of one of them, checked; and the words that may go out of here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bellboard import SettingsError, UserError

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@/:-]{0,127}")


class Entry(BaseModel):
    """The keys of one kind of environment. ``kind`` is the file's; others than those declared are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

    kind: str


E = TypeVar("E", bound=Entry)


def read_entry(name: str, entry: Mapping[str, Any], form: type[E]) -> E:
    """What the entry of an environment says.

    Raises:
        SettingsError: a key is missing, unknown or wrong; its value is not shown.
    """
    try:
        return form.model_validate(dict(entry))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part)[:40] for part in first["loc"])
        raise SettingsError(f"the environment {name}: {place}: {first['msg'].lower()}") from error


def plain(word: str, what: str) -> str:
    """The word, if it can be handed to a program or put into an address: no option, no path that leads elsewhere.

    Raises:
        UserError: it can't.
    """
    if _PLAIN.fullmatch(word) and ".." not in word and "//" not in word and word[-1] not in "/.":
        return word
    raise UserError(f"that can't be {what}", hint="letters, digits and _ . + @ / : - , 128 at most")
