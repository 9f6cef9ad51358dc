"""Hold this process still in the middle of a relay's round, as if its host were gone: no word to anybody, nothing closed."""

import time
from pathlib import Path
from typing import Any

from common.bus.relay import Relay


def arm(directory: str) -> None:
    """Hold between Kafka's acknowledgement and the commit, once: make `held` in *directory*, go on when `go` is there."""
    original = Relay._publish
    held, go = Path(directory) / "held", Path(directory) / "go"

    async def holding(relay: Relay, *arguments: Any) -> None:
        await original(relay, *arguments)
        if not held.exists():
            held.touch()
            while not go.exists():
                time.sleep(0.02)  # noqa: ASYNC251 - the whole process is to stand still

    setattr(Relay, "_publish", holding)  # noqa: B010 - a method is replaced
