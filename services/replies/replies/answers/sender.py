"""Sender of automatic answers. Each is sent at most once, whatever happens (ADR 54)."""

from datetime import UTC, datetime, timedelta

import structlog

from common import telemetry
from common.bus import Bus
from common.vendors.errors import BackingOffError, InvalidRequestError, NotExecutedError, VendorCallError
from common.vendors.instantly import InstantlyNotFoundError
from replies.answers import queries
from replies.answers.answered_email import AnsweredEmailFinder, EmailNotListedError, UnanswerableError
from replies.answers.attempts import START_SECONDS, AnswerAttempts, IntendedAnswer
from replies.answers.composition import build_reference
from replies.answers.queries import DueAnswer, UnknownAnswer
from replies.vendors.instantly import InstantlyEmail, InstantlyEmails, NewAnswer

log = structlog.get_logger()

_LOOKUP_MARGIN = timedelta(minutes=10)
"""Our clock may be ahead of Instantly's."""
_STATES = ("due", "sending", "unknown")


class AnswerSender:
    """Jobs that send answers and look up those whose outcome is not known. Replicas share the work by leases."""

    def __init__(self, attempts: AnswerAttempts, finder: AnsweredEmailFinder, emails: InstantlyEmails) -> None:
        self._attempts = attempts
        self._finder = finder
        self._emails = emails

    async def send_due_answers(self) -> None:
        """Send every answer that is due, until none is or Instantly is in a backoff."""
        await self._attempts.skip_late()
        while answer := await self._attempts.claim_due():
            try:
                await self._send(answer)
            except BackingOffError as error:
                await self._attempts.release(answer, error.code)
                return
            except VendorCallError as error:
                await self._attempts.release(answer, error.code, error.retry_after)

    async def look_up_answers(self) -> None:
        """Look up every answer whose outcome is not known and whose look-up is due."""
        while answer := await self._attempts.claim_unknown():
            try:
                found = await self._find_ours(answer)
            except VendorCallError as error:
                log.warning("answer_lookup_failed", answer_id=str(answer.id), error=error.code)
                await self._attempts.postpone_lookup(answer)
                if isinstance(error, BackingOffError):
                    return
                continue
            if found is None:
                await self._attempts.record_absent(answer)
            else:
                await self._attempts.record_sent(answer.id, answer.claimed_at, found.id, found.at)
                log.info("answer_found", answer_id=str(answer.id))

    async def _send(self, answer: DueAnswer) -> None:
        """Find the email, get a permit, ask the gate, and send. Raises VendorCallError if there is no intent yet."""
        try:
            email = await self._finder.find(answer)
        except UnanswerableError as error:
            await self._attempts.end(answer, error.state, error.reason)
            return
        except EmailNotListedError:
            await self._attempts.release(answer, "email_not_listed")
            return
        permit = await self._emails.acquire_permit()  # the gate is asked last, at the moment of sending
        start_before = datetime.now(UTC) + timedelta(seconds=START_SECONDS)
        intended = await self._attempts.start(answer, email)
        if intended is None:
            return
        new_answer = NewAnswer(
            intended.email_id, intended.account, intended.content.subject, intended.content.text, intended.content.html
        )
        try:
            vendor_email_id = await self._emails.send_answer(new_answer, permit, start_before)
        except VendorCallError as error:
            await self._record_failure(intended, error)
            return
        await self._attempts.record_sent(intended.id, intended.claimed_at, vendor_email_id)
        log.info("answer_sent", answer_id=str(intended.id), template=answer.template)

    async def _record_failure(self, answer: IntendedAnswer, error: VendorCallError) -> None:
        """Record a failed call by what may have been executed (docs/delivery.md)."""
        if isinstance(error, InvalidRequestError | InstantlyNotFoundError):
            await self._attempts.record_refused(answer, error.code)
        elif isinstance(error, NotExecutedError):
            log.warning("answer_postponed", answer_id=str(answer.id), error=error.code)
            await self._attempts.return_to_due(answer, error.code, error.retry_after)
        else:
            await self._attempts.record_unknown(answer, error.code)

    async def _find_ours(self, answer: UnknownAnswer) -> InstantlyEmail | None:
        """Return our email, by its reference; None if Instantly's list does not have it. Raises VendorCallError."""
        answered = await self._emails.fetch_email(answer.email_id)
        address = answered and (answered.lead_address or answered.sender)
        if not address:
            return None
        reference = build_reference(answer.id)
        since = answer.claimed_at - _LOOKUP_MARGIN
        async for page in self._emails.list_emails("manual", since, lead_address=address):
            for email in page:
                if reference in (email.text or "") or reference in (email.html or ""):
                    return email
        return None


async def measure_answers(bus: Bus) -> None:
    """Export how many answers wait or have no known outcome, and the age of the oldest (docs/runbooks/answers.md)."""
    async with bus.database.connection() as connection:
        found = {row.state: row for row in await queries.measure_answers(connection)}
    count = telemetry.gauge("equity_reply_answers_open", "Automatic answers that are not done")
    oldest = telemetry.gauge("equity_reply_answer_oldest_seconds", "Age of the oldest answer in a state")
    for state in _STATES:
        count.set(found[state].answers if state in found else 0, state=state)
        oldest.set(max(0.0, found[state].oldest_seconds) if state in found else 0, state=state)
