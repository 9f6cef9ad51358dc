"""Mail that the SMTP server accepted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as default_policy
from itertools import count
from typing import Any


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One message as it was accepted, with its envelope and the security of its connection."""

    number: int
    sender: str
    recipients: Sequence[str]
    content: bytes
    received_at: datetime
    is_encrypted: bool
    login: str | None

    def summarize(self) -> dict[str, Any]:
        """Return the envelope, and the headers that identify the message."""
        headers = message_from_bytes(self.content, policy=default_policy)
        return {
            "number": self.number,
            "sender": self.sender,
            "recipients": list(self.recipients),
            "subject": str(headers["Subject"] or ""),
            "message_id": str(headers["Message-ID"] or ""),
            "received_at": self.received_at.isoformat(),
            "is_encrypted": self.is_encrypted,
            "login": self.login,
            "bytes": len(self.content),
        }


class SandboxMailbox:
    """All accepted messages, oldest first."""

    def __init__(self) -> None:
        self._mails: dict[int, StoredMail] = {}
        self._numbers = count(1)

    def add_mail(
        self, sender: str, recipients: Sequence[str], content: bytes, *, is_encrypted: bool, login: str | None
    ) -> StoredMail:
        """Keep a message. Return it with its number."""
        received_at = datetime.now(UTC)
        mail = StoredMail(
            next(self._numbers), sender, tuple(recipients), content, received_at, is_encrypted, login
        )  # fmt: skip
        self._mails[mail.number] = mail
        return mail

    def list_mails(self, recipient: str | None = None) -> list[StoredMail]:
        """Return all messages, or those to one recipient."""
        wanted = None if recipient is None else recipient.lower()
        return [
            mail
            for mail in self._mails.values()
            if wanted is None or wanted in {address.lower() for address in mail.recipients}
        ]

    def find_mail(self, number: int) -> StoredMail | None:
        """Return the message with this number."""
        return self._mails.get(number)

    def count_by_recipient(self) -> dict[str, int]:
        """Return the number of messages by recipient, in lower case."""
        return dict(Counter(address.lower() for mail in self._mails.values() for address in mail.recipients))

    def delete_mails(self) -> None:
        """Delete all messages and number the next one 1."""
        self._mails.clear()
        self._numbers = count(1)
