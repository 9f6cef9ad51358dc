"""Adapter from a received message to an item that a batch can commit."""

from dataclasses import dataclass

from common.bus import Received
from common.events import LeadVerified


@dataclass(frozen=True, slots=True)
class Cause:
    """One `lead_verified` message. Handlers read everything else from the rows."""

    cause: Received[LeadVerified]
