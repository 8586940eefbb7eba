"""The files of a contract: what is hashed, and the descriptor pool that they make."""

from __future__ import annotations

import contextlib
import hashlib
from collections import deque

from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from bellboard.errors import ContractError

MAX_BYTES = 256 * 1024
"""The largest contract that is read: what a message on the bus can hold."""


def files_of(service: ServiceDescriptor) -> FileDescriptorSet:
    """The service's file and all that it needs, dependencies first, otherwise by name."""
    files: dict[str, FileDescriptor] = {}

    def visit(file: FileDescriptor) -> None:
        for needed in sorted(file.dependencies, key=lambda f: f.name):
            if needed.name not in files:
                visit(needed)
        files[file.name] = file

    visit(service.file)
    return FileDescriptorSet(file=[FileDescriptorProto.FromString(file.serialized_pb) for file in files.values()])


def digest_of(files: FileDescriptorSet) -> str:
    """The first 16 hex digits of the SHA-256 of the files."""
    return hashlib.sha256(files.SerializeToString(deterministic=True)).hexdigest()[:16]


class _Pool:
    """Descriptors of contracts that agree about every file that they share."""

    def __init__(self) -> None:
        self.descriptors = DescriptorPool()
        self._known: dict[str, bytes] = {}

    def take(self, files: FileDescriptorSet) -> bool:
        """Hold these files too. False: one of them is another here. Raises TypeError, KeyError and ValueError."""
        digests = {file.name: hashlib.sha256(file.SerializeToString(deterministic=True)).digest() for file in files.file}
        if any(self._known.get(name, digest) != digest for name, digest in digests.items()):
            return False
        for file in files.file:
            if missing := [name for name in file.dependency if name not in digests]:
                raise KeyError(f"{file.name} needs {missing[0]}, which is not there")
            if file.name not in self._known:
                self.descriptors.Add(file)
                self.descriptors.FindFileByName(file.name)
                self._known[file.name] = digests[file.name]
        return True


_pools: deque[_Pool] = deque(maxlen=4)
"""The newest pools. Most of a contract is what all have in common; a pool for each takes a quarter of a megabyte."""


def pool_of(files: FileDescriptorSet) -> DescriptorPool:
    """A pool that holds these files, and others where they agree about those that they share.

    Raises:
        ContractError: they do not fit together, or are too large.
    """
    if files.ByteSize() > MAX_BYTES:
        raise ContractError(f"the contract has more than {MAX_BYTES // 1024} KiB")
    for pool in _pools:
        # Where a name is taken by another bot's files, they may still fit together in a pool of their own.
        with contextlib.suppress(TypeError, KeyError, ValueError):
            if pool.take(files):
                return pool.descriptors
    pool = _Pool()
    try:
        pool.take(files)
    except (TypeError, KeyError, ValueError) as error:
        raise ContractError("the contract's files do not fit together", hint=str(error)[:200]) from None
    _pools.append(pool)
    return pool.descriptors
