"""Whether the ledger's history is still what it was: the barrier that holds when the bus itself has lost some of it.

A store may be restored from an old copy, a stream deleted and made anew, a cluster may lose a suffix or split in two. What
had been run then looks as if it never had. So each process keeps the newest record that it has seen (`seen`, `saver`),
holds it against the ledger whenever the bus was reached anew, and each minute (`looks`), and holds each record that it
stores itself against it too. If the record is gone, the process is in safe mode (`history`): it runs nothing but READs
until a person has said that what is left of the history counts. That is written down where everybody reads it (`word`).
"""

from .history import History
from .looks import AllOfIt, Look, OwnRecords
from .seen import Keeper, Seen

__all__ = ["AllOfIt", "History", "Keeper", "Look", "OwnRecords", "Seen"]
