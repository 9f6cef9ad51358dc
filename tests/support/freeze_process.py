"""Freeze of this process in the middle of a relay round, as if its host were lost: all connections stay open."""

import time
from pathlib import Path
from typing import Any

from common.bus.relay import Relay


def arm_freeze(directory: str) -> None:
    """Freeze once between the acknowledgement of Kafka and the commit: create `frozen` in *directory*, resume after `resume`."""
    original = Relay._publish
    frozen, resume = Path(directory) / "frozen", Path(directory) / "resume"

    async def freezing_publish(relay: Relay, *arguments: Any) -> None:
        await original(relay, *arguments)
        if not frozen.exists():
            frozen.touch()
            while not resume.exists():
                time.sleep(0.02)  # noqa: ASYNC251 - the whole process must freeze

    setattr(Relay, "_publish", freezing_publish)  # noqa: B010 - a method is replaced
