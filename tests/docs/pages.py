"""The blocks of a page, and what a comment before a block says of it.

``<!-- skip: REASON -->``  it is not run, and that is why
``<!-- file: PATH -->``    it is a verbatim piece of that file
``<!-- exit: N -->``       its last command ends with this code
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>skip|file|exit): (?P<what>.+?) -->\n+)?^```(?P<language>[a-z]+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("services/*/README.md"),
        *ROOT.glob("helm/*/README.md"),
        *ROOT.glob("kit/*.md"),
    ]
    if path.is_file()
)
"""Every page that people are sent to."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page, at a line."""

    page: Path
    line: int
    language: str
    code: str
    mark: str
    what: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The blocks of one page, in order."""
    text = page.read_text()
    made = []
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        made.append(Block(page, line, found["language"], found["code"], found["mark"] or "", found["what"] or ""))
    return made


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that the page shows."""
    parts = re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]
    return [(command, shown) for command, _, shown in (part.partition("\n") for part in parts)]


def fits(shown: str, said: str) -> bool:
    """Whether output is what the page shows, ``...`` standing for anything."""
    pattern = ".*".join(re.escape(part.strip()) for part in shown.strip().split("..."))
    return re.fullmatch(pattern, said.strip(), re.DOTALL) is not None
