"""The files of a contract: what is hashed, and the descriptor pool that they make."""

from __future__ import annotations

import hashlib

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


def pool_of(files: FileDescriptorSet) -> DescriptorPool:
    """A pool that holds these files alone.

    Raises:
        ContractError: they do not fit together, or are too large.
    """
    if files.ByteSize() > MAX_BYTES:
        raise ContractError(f"the contract has more than {MAX_BYTES // 1024} KiB")
    pool = DescriptorPool()
    try:
        for file in files.file:
            pool.Add(file)
            pool.FindFileByName(file.name)
    except (TypeError, KeyError, ValueError) as error:
        raise ContractError("the contract's files do not fit together", hint=str(error)[:200]) from None
    return pool
