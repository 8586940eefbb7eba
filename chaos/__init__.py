"""Bellboard under fire: the ledger's procedures under a simulator, and the whole mesh under kill -9 and SIGSTOP."""
