"""A message as something that a batch can commit."""

from dataclasses import dataclass

from common.bus import Received
from common.events import LeadVerified


@dataclass(frozen=True, slots=True)
class Cause:
    """The notice itself: all else is read from the rows."""

    cause: Received[LeadVerified]
