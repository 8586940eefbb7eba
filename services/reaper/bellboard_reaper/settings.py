"""Settings of the reaper."""

from __future__ import annotations

from pydantic import Field

from bellboard.ledger import reap
from bellboard.settings import ServiceSettings


class ReaperSettings(ServiceSettings):
    """How long the reaper waits for what, in seconds.

    Attributes:
        lease: until a command that no living worker says it has is called lost. Workers count on 10 s at the least.
        offer_again: until a lost command that may be taken over is offered again.
        give_up: until a command that was offered again, and that nobody took, is closed.
        queue: until a command that waits for its turn is closed.
    """

    lease: float = Field(default=reap.LEASE, gt=0)
    offer_again: float = Field(default=reap.OFFER_AGAIN, gt=0)
    give_up: float = Field(default=reap.GIVE_UP, gt=0)
    queue: float = Field(default=reap.QUEUE_PATIENCE, gt=0)

    @property
    def patience(self) -> reap.Patience:
        return reap.Patience(lease=self.lease, offer_again=self.offer_again, give_up=self.give_up, queue=self.queue)
