"""Sender of the mails that its service queued (docs/mails.md).

A mail is claimed with a lease. Up to the recipient nothing is sent, so a crash there leaves it queued. The gate's decision and
the state `sending` are one transaction, right before the content. A crash after it leaves `unknown`, which is never repeated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from common import telemetry
from common.bus import Bus
from common.bus.failures import error_code
from common.calendar.clock import Clock
from common.mail.attempts import ClaimLostError, MailAttempt, MailAttempts
from common.mail.content import MailContent
from common.mail.message import MailEnvelope, build_message
from common.mail.queries import ClaimedMail
from common.mail.settings import MailSettings
from common.mail.smtp import MailNotSentError, MailUnknownError, SmtpSession, open_session
from common.mail.target import MailSettingsError, MailTarget
from common.pii.keyring import DecryptionError
from common.service import Service

log = structlog.get_logger()

WATCH_SECONDS = 30
"""Interval of the job `watch_mails`."""
_RECORD_RETRY_SECONDS = 1.0
_STOP_SECONDS = 20


def add_mail_sender(service: Service, settings: MailSettings) -> None:
    """Add the sender of the service's mails, and the job that watches them."""
    sender = MailSender(service.bus, settings, service.clock)
    service.parts.append(sender)
    service.jobs.add_repeated(WATCH_SECONDS, "watch_mails", sender.watch_mails)


class MailSender:
    """Part of a service that sends its queued mails. Where a setting is missing, it says so and sends none."""

    is_service_only = True

    def __init__(self, bus: Bus, settings: MailSettings, clock: Clock) -> None:
        self._bus = bus
        self._settings = settings
        self._clock = clock
        self._attempts = MailAttempts(bus, settings, clock)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._target: MailTarget | None = None
        self._problem: str | None = None
        try:
            self._target = MailTarget.from_settings(settings)
        except MailSettingsError as error:
            self._problem = str(error)

    async def start(self) -> None:
        """Start the tasks that send, if the settings are complete."""
        self._stopping.clear()
        if self._target is None:
            log.warning("mail_sending_disabled", service=self._bus.service, problem=self._problem)
            return
        self._tasks = [
            asyncio.create_task(self._send_mails(self._target), name=f"mail-{self._bus.service}-{number}")
            for number in range(self._settings.smtp_connections)
        ]

    async def stop(self) -> None:
        """Stop after the mails in flight, or after _STOP_SECONDS. A mail without an answer by then becomes `unknown`."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()

    async def watch_mails(self) -> None:
        """Mark lost mails `unknown`, refuse expired ones, and export how many wait. Every replica may run it at any time."""
        service = self._bus.service
        lost, counts = await self._attempts.clean_up(expires=self._target is not None)
        if lost:
            log.error("mails_lost", service=service, count=lost)
        waiting = telemetry.gauge("equity_mails_waiting", "Mails that are queued or being sent")
        waiting.set(counts.waiting, name=service)
        oldest = telemetry.gauge("equity_mail_oldest_seconds", "Age of the mail that waits longest")
        oldest.set(max(0.0, counts.oldest_seconds), name=service)
        unknown = telemetry.gauge("equity_mails_unknown", "Mails of the last day of which the result is not known")
        unknown.set(counts.unknown, name=service)

    async def _send_mails(self, target: MailTarget) -> None:
        while not self._stopping.is_set():
            try:
                if await self._send_next(target):
                    continue
            except Exception as error:  # noqa: BLE001 - the database may be away; the rows stay
                log.warning("mail_attempt_failed", service=self._bus.service, error=error_code(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._settings.mail_check_seconds)

    async def _send_next(self, target: MailTarget) -> bool:
        """Send the mail that waits longest. Return False if none is due."""
        attempt = await self._attempts.claim()
        if attempt is None:
            return False
        content = self._decrypt(attempt.mail)
        if content is None:
            await self._end(attempt, "refused", "erased")
            return True
        try:
            await self._attempt(target, attempt, content)
        except ClaimLostError:
            log.warning("mail_claim_lost", mail_id=str(attempt.mail.id))
        except MailUnknownError as error:
            await self._end(attempt, "unknown", error.reason)
        except MailNotSentError as error:
            if error.is_final:
                await self._end(attempt, "refused", error.reason)
            else:
                reason = error.reason
                await self._record(attempt, "requeued", reason, lambda: self._attempts.requeue(attempt, reason))
        return True

    def _decrypt(self, mail: ClaimedMail) -> MailContent | None:
        """Return the content; None where it, or the key of the lead, was erased."""
        if mail.content_ciphertext is None or mail.data_key is None:
            return None
        with suppress(DecryptionError):  # the lead was erased, and has a new key by now
            key = self._bus.keyring.unwrap_data_key(mail.lead_id, mail.data_key)
            return MailContent.decrypt(key, mail.id, mail.content_ciphertext)
        return None

    async def _attempt(self, target: MailTarget, attempt: MailAttempt, content: MailContent) -> None:
        """Send the mail and record its result. Raises ClaimLostError, MailNotSentError or MailUnknownError."""
        message = self._build(target, attempt.mail, content)
        seconds = self._settings.smtp_timeout_seconds
        try:
            async with asyncio.timeout(seconds) as deadline, open_session(target, seconds) as session:
                await session.offer_mail(content.recipient)
                refusal = await self._start(target, attempt)
                deadline.reschedule(None)
                if refusal is None:
                    await self._deliver(session, attempt, message)
                else:
                    self._report(attempt, "refused", refusal)
        except TimeoutError as error:
            raise MailNotSentError("offer_timeout") from error

    def _build(self, target: MailTarget, mail: ClaimedMail, content: MailContent) -> bytes:
        envelope = MailEnvelope(
            target.message_id(mail.id), target.sender, target.postal_address, target.opt_out_link(mail.lead_id)
        )
        try:
            return build_message(content, envelope, self._clock())
        except (ValueError, UnicodeError) as error:
            raise MailNotSentError("message_not_encodable", is_final=True) from error

    async def _start(self, target: MailTarget, attempt: MailAttempt) -> str | None:
        try:
            return await self._attempts.start(attempt, target.message_id(attempt.mail.id))
        except ClaimLostError:
            raise
        except Exception as error:
            raise MailNotSentError("not_started") from error

    async def _deliver(self, session: SmtpSession, attempt: MailAttempt, message: bytes) -> None:
        await session.send_content(message, self._settings.smtp_answer_seconds)
        await self._record(attempt, "sent", None, lambda: self._attempts.record_sent(attempt))

    async def _end(self, attempt: MailAttempt, state: str, reason: str) -> None:
        await self._record(attempt, state, reason, lambda: self._attempts.record_end(attempt, state, reason))

    async def _record(
        self, attempt: MailAttempt, outcome: str, reason: str | None, write: Callable[[], Awaitable[bool]]
    ) -> None:
        """Record a result, again while the database is away: a result that is lost becomes `unknown`."""
        while True:
            try:
                is_recorded = await write()
                break
            except Exception as error:  # noqa: BLE001 - whatever the database says, the result must not be lost
                log.warning("mail_result_not_recorded", mail_id=str(attempt.mail.id), error=error_code(error))
                await asyncio.sleep(_RECORD_RETRY_SECONDS)
        if is_recorded:
            self._report(attempt, outcome, reason)
        else:
            log.warning("mail_claim_lost", mail_id=str(attempt.mail.id), outcome=outcome)

    def _report(self, attempt: MailAttempt, outcome: str, reason: str | None) -> None:
        counter = telemetry.counter("equity_mail_attempts", "Attempts to send a mail, by outcome")
        counter.add(1, {"name": self._bus.service, "outcome": outcome})
        level = log.error if outcome == "unknown" else log.info
        level("mail_attempted", mail_id=str(attempt.mail.id), outcome=outcome, reason=reason)
