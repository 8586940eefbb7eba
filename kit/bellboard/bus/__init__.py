"""The bus: all that Bellboard knows of NATS. Nothing else imports `nats`, and nothing of `nats` leaves this package.

`connection` holds the connection and what is published; `replies` the one inbox that answers come to; `pull` and `follow`
bring what a stream holds; `listen` what is said and not kept; `reads` asks for single messages,
`holdings` for how much there is.
"""

from .connection import Bus
from .follow import Follow
from .holdings import Holding, Usage
from .inbound import Listen
from .messages import Delivery, Message
from .patience import patiently
from .pull import Pull

__all__ = ["Bus", "Delivery", "Follow", "Holding", "Listen", "Message", "Pull", "Usage", "patiently"]
