"""The whole mesh under kill -9 and SIGSTOP, with commands in flight."""
