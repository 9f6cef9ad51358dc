"""Attempts to send a mail, as its row records them: claim, start with the gate's decision, and result."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from common.bus import Bus, Tx
from common.calendar.clock import Clock
from common.compliance.email_decision import decide_email
from common.events import EmailSent
from common.mail import queries
from common.mail.queries import ClaimedMail, MailCounts
from common.mail.settings import MailSettings

_RECORD_SECONDS = 60
"""Time to record the result after the longest wait for the server's answer."""
_LONGEST_RETRY = timedelta(hours=1)
_MAX_DOUBLINGS = 12


class ClaimLostError(RuntimeError):
    """The lease of a mail ended before its content was sent, so another attempt may have it."""


@dataclass(frozen=True, slots=True)
class MailAttempt:
    """One attempt to send a claimed mail."""

    claim_id: UUID
    mail: ClaimedMail


class MailAttempts:
    """Writer of attempts. Each method is one transaction."""

    def __init__(self, bus: Bus, settings: MailSettings, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._max_age = timedelta(hours=settings.mail_max_age_hours)
        self._first_retry = timedelta(seconds=settings.mail_retry_seconds)
        self._offer_lease = timedelta(seconds=2 * settings.smtp_timeout_seconds)
        self._send_lease = timedelta(
            seconds=settings.smtp_timeout_seconds + settings.smtp_answer_seconds + _RECORD_SECONDS
        )

    async def claim(self) -> MailAttempt | None:
        """Claim the mail that waits longest. None if none is due."""
        claim_id = uuid4()
        mail = await self._bus.transact(
            lambda tx: queries.claim_mail(
                tx.connection, claim_id=claim_id, max_age=self._max_age, lease=self._offer_lease
            )
        )
        return None if mail is None else MailAttempt(claim_id, mail)

    async def start(self, attempt: MailAttempt, message_id: str) -> str | None:
        """Ask the gate, log its decision and mark the mail `sending` or `refused`. Return the reason of a refusal.

        Raises ClaimLostError, and writes nothing, if the lease ended.
        """
        return await self._bus.transact(lambda tx: self._start(tx, attempt, message_id))

    async def record_sent(self, attempt: MailAttempt) -> bool:
        """Record that the server took the mail over, with the event. Return False if another attempt has the mail."""
        return await self._bus.transact(lambda tx: self._record_sent(tx, attempt))

    async def record_end(self, attempt: MailAttempt, state: str, reason: str) -> bool:
        """Record `refused` or `unknown`. Return False if another attempt has the mail."""
        changed = await self._bus.transact(lambda tx: self._finish(tx, attempt, state, reason))
        return bool(changed)

    async def requeue(self, attempt: MailAttempt, reason: str) -> bool:
        """Let the mail wait for its next attempt: nothing of it was sent."""
        delay = min(self._first_retry * 2 ** min(attempt.mail.attempts - 1, _MAX_DOUBLINGS), _LONGEST_RETRY)
        changed = await self._bus.transact(
            lambda tx: queries.requeue_mail(
                tx.connection, reason=reason, delay=delay, mail_id=attempt.mail.id, claim_id=attempt.claim_id
            )
        )
        return bool(changed)

    async def clean_up(self, *, expires: bool) -> tuple[int, MailCounts]:
        """Mark mails `unknown` whose sender died, and refuse expired ones. Return the number of the first, and the counts."""

        async def write(tx: Tx) -> tuple[int, MailCounts]:
            lost = await queries.mark_lost_mails_unknown(tx.connection)
            if expires:
                await queries.expire_mails(tx.connection, max_age=self._max_age)
            return lost, await queries.measure_mails(tx.connection)

        return await self._bus.transact(write)

    async def _start(self, tx: Tx, attempt: MailAttempt, message_id: str) -> str | None:
        mail = attempt.mail
        decision = await decide_email(
            tx, mail.lead_id, mail.value_hash, "service", self._clock(), seller=mail.broker_id
        )
        if not decision.is_allowed:
            reason = f"gate_{decision.reasons[0]}"
            if not await self._finish(tx, attempt, "refused", reason):
                raise ClaimLostError
            return reason
        started = await queries.start_sending(
            tx.connection, lease=self._send_lease, message_id=message_id, mail_id=mail.id, claim_id=attempt.claim_id
        )
        if started is None:
            raise ClaimLostError
        return None

    async def _record_sent(self, tx: Tx, attempt: MailAttempt) -> bool:
        mail = attempt.mail
        if not await self._finish(tx, attempt, "sent", None):
            return False
        tx.emit(
            EmailSent(
                lead_id=mail.lead_id,
                broker_id=mail.broker_id,
                outcome="service",
                value_hash=mail.value_hash.hex(),
                hash_key_id=mail.hash_key_id,
                purpose="service",
                template=mail.template,
                template_version=mail.template_version,
                intent_id=mail.id,
            )
        )
        return True

    async def _finish(self, tx: Tx, attempt: MailAttempt, state: str, reason: str | None) -> int:
        return await queries.finish_mail(
            tx.connection, state=state, reason=reason, mail_id=attempt.mail.id, claim_id=attempt.claim_id
        )
