"""Attempts to send an answer, as its row records them: lease, intent with the gate's decision, and result.

Each method is one transaction. The intent is committed before the call, and an answer with an intent is never sent again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.calendar.clock import Clock
from common.compliance.decision_log import lock_contacts
from common.compliance.email_decision import decide_email
from common.events import EmailSent
from common.pii.keyring import DataKey, DecryptionError
from replies.answers import queries
from replies.answers.composition import AnswerContent, AnswerValues, compose_answer
from replies.answers.queries import AnswerFacts, DueAnswer, SentAnswer, UnknownAnswer
from replies.answers.settings import AnswerLinks, AnswerSettings
from replies.answers.templates import has_template
from replies.stored_texts import decrypt_text, encrypt_text
from replies.vendors.instantly import InstantlyEmail

log = structlog.get_logger()

MAX_ANSWERS_IN_24_HOURS = 2
START_SECONDS = 15
"""Time from the gate's decision to the call; after it the call is not made."""
_FIND_SECONDS = 240
"""Time to find the email that is answered, which needs up to four calls."""
_RECORD_SECONDS = 60
_POSTAL_ADVICE = "set POSTAL_ADDRESS and run `equity campaigns sync`: docs/runbooks/answers.md"


@dataclass(frozen=True, slots=True)
class IntendedAnswer:
    """Answer that may be sent once. *claimed_at* fences the attempt."""

    id: UUID
    claimed_at: datetime
    email_id: str
    account: str
    content: AnswerContent


class AnswerAttempts:
    """Writer of the rows of answers."""

    def __init__(self, bus: Bus, settings: AnswerSettings, links: AnswerLinks, clock: Clock) -> None:
        self._bus = bus
        self._links = links
        self._clock = clock
        self._postal_address = settings.postal_address
        timeout = settings.instantly_timeout_seconds
        self._find_lease = timedelta(seconds=4 * timeout + _FIND_SECONDS)
        self._send_lease = timedelta(seconds=START_SECONDS + timeout + _RECORD_SECONDS)
        self._retry = timedelta(seconds=settings.answer_retry_seconds)
        self._max_age = timedelta(hours=settings.answer_max_age_hours)
        self._lookup_delay = timedelta(seconds=settings.answer_lookup_seconds)
        self._longest_lookup = timedelta(hours=settings.answer_lookup_hours)

    async def skip_late(self) -> None:
        """Skip the answers that waited too long."""
        skipped = await self._bus.transact(lambda tx: queries.skip_late_answers(tx.connection, max_age=self._max_age))
        if skipped:
            log.warning("answers_skipped", count=skipped, reason="too_late")
            _count_answers("skipped", "too_late", skipped)

    async def claim_due(self) -> DueAnswer | None:
        """Lease the answer that waits longest. None if none is due."""
        return await self._bus.transact(lambda tx: queries.claim_due_answer(tx.connection, lease=self._find_lease))

    async def start(self, answer: DueAnswer, email: InstantlyEmail) -> IntendedAnswer | None:
        """Ask the gate, and store the intent; or refuse, skip or postpone the answer. None: there is nothing to send.

        The decision is logged, and the intent stored, under the lock of the address. So no answer is begun after the commit
        of an opt-out.
        """
        return await self._bus.transact(lambda tx: self._start(tx, answer, email))

    async def end(self, answer: DueAnswer, state: str, reason: str) -> None:
        """Refuse or skip an answer for which no call was made."""
        await self._bus.transact(lambda tx: self._end(tx, answer, state, reason))

    async def release(self, answer: DueAnswer, reason: str, delay: timedelta | None = None) -> None:
        """Let an answer wait for which no call was made."""
        await self._bus.transact(lambda tx: self._release(tx, answer, reason, delay))

    async def return_to_due(self, answer: IntendedAnswer, reason: str, delay: timedelta | None) -> None:
        """Let an answer wait again whose call was certainly not executed."""
        await self._bus.transact(
            lambda tx: queries.return_to_due(
                tx.connection,
                reason=reason,
                delay=max(self._retry, delay or self._retry),
                answer_id=answer.id,
                claimed_at=answer.claimed_at,
            )
        )

    async def record_refused(self, answer: IntendedAnswer, reason: str) -> None:
        """Record that Instantly refused the answer."""
        refused = await self._bus.transact(
            lambda tx: queries.mark_refused(
                tx.connection, reason=reason, answer_id=answer.id, claimed_at=answer.claimed_at
            )
        )
        _count_answers("refused", reason, refused)
        log.error("answer_refused", answer_id=str(answer.id), reason=reason)

    async def record_unknown(self, answer: IntendedAnswer, reason: str) -> None:
        """Record that the answer may have been sent. It is looked up, and never sent again."""
        await self._bus.transact(
            lambda tx: queries.mark_unknown(
                tx.connection,
                reason=reason,
                delay=self._lookup_delay,
                answer_id=answer.id,
                claimed_at=answer.claimed_at,
            )
        )
        log.warning("answer_outcome_unknown", answer_id=str(answer.id), reason=reason)

    async def record_sent(
        self, answer_id: UUID, claimed_at: datetime, vendor_email_id: str | None, sent_at: datetime | None = None
    ) -> bool:
        """Record that the answer was sent, with its event. Return False if that was recorded before."""

        async def write(tx: Tx) -> bool:
            sent = await queries.mark_sent(
                tx.connection,
                sent_at=sent_at,
                vendor_email_id=vendor_email_id,
                answer_id=answer_id,
                claimed_at=claimed_at,
            )
            if sent is not None:
                tx.emit(_build_event(sent))
            return sent is not None

        is_new = await self._bus.transact(write)
        _count_answers("sent", "", int(is_new))
        return is_new

    async def claim_unknown(self) -> UnknownAnswer | None:
        """Lease an answer that must be looked up. None if there is none."""
        return await self._bus.transact(
            lambda tx: queries.claim_unknown_answer(tx.connection, lease=self._find_lease, longest=self._longest_lookup)
        )

    async def record_absent(self, answer: UnknownAnswer) -> None:
        """Record that the answer was not found. After the longest time for it, it is given up, and not sent again."""
        if not answer.is_last_lookup:
            await self.postpone_lookup(answer)
            return
        given_up = await self._bus.transact(
            lambda tx: queries.give_up_answer(tx.connection, answer_id=answer.id, claimed_until=answer.claimed_until)
        )
        _count_answers("skipped", "not_found", given_up)
        log.error("answer_not_found", answer_id=str(answer.id), advice="docs/runbooks/answers.md")

    async def postpone_lookup(self, answer: UnknownAnswer) -> None:
        """Look the answer up again later."""
        await self._bus.transact(
            lambda tx: queries.postpone_lookup(
                tx.connection, delay=self._lookup_delay, answer_id=answer.id, claimed_until=answer.claimed_until
            )
        )

    async def _start(self, tx: Tx, answer: DueAnswer, email: InstantlyEmail) -> IntendedAnswer | None:
        """Decide under the locks of address and lead. Leave a row that another process took over since."""
        await lock_contacts(tx, [answer.value_hash])
        await queries.lock_lead(tx.connection, lead_id=answer.lead_id)
        facts = await queries.lock_answer(tx.connection, answer_id=answer.id, claimed_until=answer.claimed_until)
        if facts is None:
            return None
        if facts.data_key is None:
            await self._end(tx, answer, "skipped", "erased")
        elif facts.recent_answers >= MAX_ANSWERS_IN_24_HOURS:
            await self._end(tx, answer, "skipped", "answer_limit")
        elif not has_template(answer.template, answer.template_version):
            await self._end(tx, answer, "refused", "unknown_template")
        elif not (postal_address := facts.postal_address or self._postal_address):
            log.error("answer_postponed", answer_id=str(answer.id), reason="no_postal_address", advice=_POSTAL_ADVICE)
            await self._release(tx, answer, "no_postal_address", None)
        else:
            decision = await decide_email(tx, answer.lead_id, answer.value_hash, "answer", self._clock())
            if decision.is_allowed:
                key = self._bus.keyring.unwrap_data_key(answer.lead_id, facts.data_key)
                content = self._compose(answer, email, facts, postal_address, key)
                return await self._intend(tx, answer, email, content, key)
            await self._end(tx, answer, "refused", ",".join(decision.reasons))
        return None

    def _compose(
        self, answer: DueAnswer, email: InstantlyEmail, facts: AnswerFacts, postal_address: str, key: DataKey
    ) -> AnswerContent:
        new_text = _read_new_text(key, answer, facts.text_ciphertext)
        values = AnswerValues(
            answer.id, answer.lead_id, facts.broker_name or "", postal_address, email.subject, new_text
        )
        return compose_answer(answer.template, answer.template_version, values, self._links)

    async def _intend(
        self, tx: Tx, answer: DueAnswer, email: InstantlyEmail, content: AnswerContent, key: DataKey
    ) -> IntendedAnswer | None:
        claimed_at = await queries.start_sending(
            tx.connection,
            lease=self._send_lease,
            email_id=email.id,
            account=email.account,
            subject_ciphertext=encrypt_text(key, answer.id, "subject", content.subject),
            text_ciphertext=encrypt_text(key, answer.id, "text", content.text),
            answer_id=answer.id,
            claimed_until=answer.claimed_until,
        )
        if claimed_at is None:
            return None
        return IntendedAnswer(answer.id, claimed_at, email.id, email.account, content)

    async def _end(self, tx: Tx, answer: DueAnswer, state: str, reason: str) -> None:
        ended = await queries.end_due_answer(
            tx.connection, state=state, reason=reason, answer_id=answer.id, claimed_until=answer.claimed_until
        )
        _count_answers(state, reason.split(",", maxsplit=1)[0], ended)
        log.info("answer_ended", answer_id=str(answer.id), state=state, reason=reason)

    async def _release(self, tx: Tx, answer: DueAnswer, reason: str, delay: timedelta | None) -> None:
        await queries.release_due_answer(
            tx.connection,
            reason=reason,
            delay=max(self._retry, delay or self._retry),
            answer_id=answer.id,
            claimed_until=answer.claimed_until,
        )


def _read_new_text(key: DataKey, answer: DueAnswer, ciphertext: bytes | None) -> str:
    """Return what the person wrote; nothing, and so an English answer, if it cannot be decrypted."""
    if ciphertext is None:
        return ""
    try:
        return decrypt_text(key, answer.reply_id, "text", ciphertext)
    except DecryptionError:
        log.warning("reply_text_unreadable", reply_id=str(answer.reply_id))
        return ""


def _build_event(sent: SentAnswer) -> EmailSent:
    return EmailSent(
        lead_id=sent.lead_id,
        broker_id=sent.broker_id,
        outcome="answer",
        value_hash=sent.value_hash.hex(),
        hash_key_id=sent.hash_key_id,
        campaign_id=sent.campaign_id,
        sequence_step=sent.sequence_step,
        vendor_message_id=sent.vendor_email_id,
        purpose="answer",
        template=sent.template,
        template_version=sent.template_version,
        intent_id=sent.id,
        reply_id=sent.reply_id,
    )


def _count_answers(state: str, reason: str, count: int) -> None:
    if count:
        telemetry.counter("equity_reply_answers", "Automatic answers by final state").add(
            count, {"state": state, "reason": reason}
        )
