"""Kill this process with -9 at a named point of its work, or let it stand still there, once.

A test starts a service with `arm(point, marker)` before its main; the first time the point is reached for the second time, the
process dies as if the machine had, and leaves *marker* so that its successor lives. With SIGSTOP it stands until SIGCONT.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.bus import Bus
from common.bus.batch import Batch
from common.bus.relay import Relay
from common.bus.subscribe import Lane
from common.bus.tx import Tx
from skiptrace.trace.http_client import ProviderHttpClient
from skiptrace.trace.request_log import RequestLog

PASSES = 2
POINTS: dict[str, tuple[Any, str, bool]] = {
    "after the claim": (Batch, "_claim", True),
    "before the commit": (Tx, "flush", True),
    "after the commit": (Bus, "transact", True),
    "before the offsets": (Lane, "_advance", False),
    "between acknowledgement and delete": (Relay, "_publish", True),
}
"""For each point the method that it lies behind (True) or in front of (False)."""
PAID_POINTS: dict[str, tuple[Any, str, bool]] = {
    "before a paid call": (ProviderHttpClient, "send_request", False),
    "behind a paid call": (ProviderHttpClient, "send_request", True),
    "behind a kept answer": (RequestLog, "store_response", True),
}
"""The same in the life of a paid call."""


def arm(point: str, marker: str, by: signal.Signals = signal.SIGKILL, passes_before: int = PASSES - 1) -> None:
    """Die at *point*, or what *by* does, after so many passes, unless *marker* says that it happened already."""
    owner, name, behind = (POINTS | PAID_POINTS)[point]
    original: Callable[..., Any] = getattr(owner, name)
    passes = 0

    async def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal passes
        passes += 1
        due = passes == passes_before + 1 and not Path(marker).exists()
        if due and not behind:
            _die(marker, by)
        result = await original(*arguments, **named)
        if due:
            _die(marker, by)
        return result

    setattr(owner, name, dying)


def _die(marker: str, by: signal.Signals) -> None:
    Path(marker).touch()
    os.kill(os.getpid(), by)
