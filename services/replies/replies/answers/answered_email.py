"""Search for the email that an answer answers: the person's own, from the address about which the gate decides.

Instantly answers the sender of the email that is named. The id of a webhook may name an email of ours, whose answer would go
to ourselves (docs/vendors/instantly.md, Emails).
"""

from dataclasses import dataclass

from common.pii.keyring import Keyring
from replies.answers.queries import DueAnswer
from replies.reconciliation.received_emails import ReceivedEmails
from replies.vendors.instantly import InstantlyEmail, InstantlyEmails


class UnanswerableError(Exception):
    """Email that must not be answered. *state* and *reason* are those of the answer."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


class EmailNotListedError(Exception):
    """The person's email is not in Instantly's list, or not yet."""


@dataclass(frozen=True, slots=True)
class AnsweredEmailFinder:
    """Finder of the email that is answered."""

    emails: InstantlyEmails
    received: ReceivedEmails
    keyring: Keyring

    async def find(self, answer: DueAnswer) -> InstantlyEmail:
        """Return the email. Raises UnanswerableError, EmailNotListedError, or VendorCallError."""
        if answer.is_auto_reply:
            raise UnanswerableError("skipped", "auto_reply")
        if answer.email_id is None:
            raise UnanswerableError("refused", "no_email_id")
        email = await self.emails.fetch_email(answer.email_id)
        if email is None:
            raise UnanswerableError("refused", "email_not_found")
        if not email.is_received:
            email = await self.received.find_email(answer.reply_id, answer.value_hash, answer.replied_at, email)
        if email is None:
            raise EmailNotListedError
        self._check(answer, email)
        return email

    def _check(self, answer: DueAnswer, email: InstantlyEmail) -> None:
        if email.sender is None or self.keyring.hash_contact(email.sender) != answer.value_hash:
            raise UnanswerableError("refused", "other_sender")
        if email.is_auto_reply:
            raise UnanswerableError("skipped", "auto_reply")
        if not email.account:
            raise UnanswerableError("refused", "no_account")
