"""A bus of three servers under kill -9, SIGSTOP, partitions and a rolling restart, with commands in flight."""
