"""Kill points: named points of the work of a process where a test kills it with -9, or freezes it, once.

A test starts a service with a program of `with_kill_point`. When the process reaches the point for the second time, it dies as in
a crash of the machine. It leaves a marker, so that its successor survives. SIGSTOP freezes it until SIGCONT.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.bus import Bus
from common.bus.batch import Batch
from common.bus.consumer_instance import ConsumerInstance
from common.bus.relay import Relay
from common.bus.tx import Tx
from common.mail.attempts import MailAttempts
from common.mail.smtp import SmtpSession
from common.vendors.http_client import VendorHttpClient
from consent.signatures import SignatureRecorder
from feeder.daily_feed.feed_writer import FeedWriter
from pull.page_log import PageLog
from pull.vendors.batchdata_mcp import BatchDataMcpClient
from replies.answers.attempts import AnswerAttempts
from replies.vendors.instantly import InstantlyEmails
from skiptrace.trace.request_log import RequestLog

DEATH_PASS = 2
POINTS: dict[str, tuple[Any, str, bool]] = {
    "after the claim": (Batch, "_claim", True),
    "before the commit": (Tx, "write_outbox", True),
    "after the commit": (Bus, "transact", True),
    "before the offsets": (ConsumerInstance, "_commit_offsets", False),
    "between acknowledgement and delete": (Relay, "_publish", True),
}
"""For each point the method after which (True) or before which (False) it lies."""
SERVICE_POINTS: dict[str, tuple[Any, str, bool]] = {
    "before a paid call": (VendorHttpClient, "send_request", False),
    "behind a paid call": (VendorHttpClient, "send_request", True),
    "behind a kept answer": (RequestLog, "store_response", True),
    "before a page request": (BatchDataMcpClient, "fetch_page", False),
    "after a page request": (BatchDataMcpClient, "fetch_page", True),
    "after a page is recorded": (PageLog, "record_page", True),
    "after the intent of an answer": (AnswerAttempts, "start", True),
    "before an answer is sent": (InstantlyEmails, "send_answer", False),
    "after an answer is sent": (InstantlyEmails, "send_answer", True),
    "before an answer is recorded": (AnswerAttempts, "record_sent", False),
    "after a token is used": (SignatureRecorder, "_grant", False),
    "before skips are recorded": (FeedWriter, "record_skips", False),
    "after a mail is claimed": (MailAttempts, "claim", True),
    "before a mail is started": (MailAttempts, "start", False),
    "after a mail is started": (MailAttempts, "start", True),
    "after the content of a mail": (SmtpSession, "send_content", True),
    "after a mail is recorded": (MailAttempts, "record_sent", True),
}
"""Points in the work of one service, in the same form."""


def with_kill_point(
    program: str,
    point: str,
    marker: Path,
    by: signal.Signals = signal.SIGKILL,
    passes_before: int = DEATH_PASS - 1,
) -> str:
    """Return *program*, which first arms a kill point in its process."""
    arguments = f"{point!r}, {str(marker)!r}, {int(by)}, {passes_before}"
    return f"from support.kill_points import arm_kill_point; arm_kill_point({arguments}); {program}"


def arm_kill_point(point: str, marker: str, by: int, passes_before: int) -> None:
    """Send the signal *by* to this process at *point*, after *passes_before* passes, unless *marker* exists."""
    owner, name, behind = (POINTS | SERVICE_POINTS)[point]
    original: Callable[..., Any] = getattr(owner, name)
    passes = 0

    async def dying_method(*arguments: Any, **named: Any) -> Any:
        nonlocal passes
        passes += 1
        due = passes == passes_before + 1 and not Path(marker).exists()
        if due and not behind:
            _die(marker, by)
        result = await original(*arguments, **named)
        if due:
            _die(marker, by)
        return result

    setattr(owner, name, dying_method)


def _die(marker: str, by: int) -> None:
    Path(marker).touch()
    os.kill(os.getpid(), by)
