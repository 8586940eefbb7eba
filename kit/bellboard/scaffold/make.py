"""From a name to a bot, and from a bot's contract to its code."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from string import Template

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from bellboard.api.chat.v1 import chat_pb2 as chat
from bellboard.api.options.v1 import options_pb2 as options
from bellboard.errors import Failed, UserError

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".txt"
"""Every template carries it, so that no tool takes one for code."""

_NAME = re.compile(r"[a-z](-?[a-z0-9]){1,30}")
_TAKEN = frozenset({"gateway", "house", "gw", "cli", "reaper", "test", "bellboard"})


def make_bot(name: str, into: Path) -> Path:
    """Make a bot in the folder ``into/name``, and return that.

    Raises:
        UserError: the name can't be a bot's, or the folder is there already.
        Failed: its code can't be generated; nothing is left behind but the folder.
    """
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise UserError(f"{name!r} can't be the name of a bot", hint="letters in lower case, digits, single dashes")
    folder = into / name
    if folder.exists():
        raise UserError(f"{folder} is there already", hint="choose another name, or move it away")
    module = name.replace("-", "_")
    words = {"name": name, "module": module, "package": f"bellboard_{module}", "title": _title(name)}
    for template in sorted(TEMPLATES.rglob(f"*{SUFFIX}")):
        place = str(template.relative_to(TEMPLATES)).removesuffix(SUFFIX)
        target = folder / place.replace("package/", f"{words['package']}/").replace("contract", module)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(template.read_text()).substitute(words))
    generate(folder)
    return folder


def _title(name: str) -> str:
    """The name of the contract's service, without "Service": ``coffee-run`` is CoffeeRun."""
    return "".join(part.capitalize() for part in name.split("-"))


def generate(folder: Path) -> None:
    """Generate Python code beside every contract of a bot's folder.

    Raises:
        Failed: there is no compiler, or a contract has mistakes; it shows what the compiler says.
    """
    if importlib.util.find_spec("grpc_tools") is None:
        raise Failed("the compiler for contracts is not installed", hint="pip install grpcio-tools")
    protos = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.proto"))
    with tempfile.NamedTemporaryFile(suffix=".pb") as known:
        known.write(_known().SerializeToString())
        known.flush()
        done = subprocess.run(  # noqa: S603  # our own interpreter
            [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={known.name}", "-I.", *_out(), *protos],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise Failed("the contract has mistakes", hint=done.stderr.strip())


def _out() -> tuple[str, ...]:
    """What to write: code, and types of it; those of mypy-protobuf, where it is installed, know every option."""
    plugin = Path(sysconfig.get_path("scripts"), "protoc-gen-mypy")
    typed = (f"--plugin={plugin}", "--mypy_out=quiet:.") if plugin.exists() else ("--pyi_out=.",)
    return ("--python_out=.", *typed)


def _known() -> FileDescriptorSet:
    """What a contract may import, dependencies first."""
    known = FileDescriptorSet()
    seen: set[str] = set()

    def add(file: FileDescriptor) -> None:
        if file.name in seen:
            return
        seen.add(file.name)
        for dependency in file.dependencies:
            add(dependency)
        file.CopyToProto(known.file.add())

    for file in (chat.DESCRIPTOR, options.DESCRIPTOR):
        add(file)
    return known
