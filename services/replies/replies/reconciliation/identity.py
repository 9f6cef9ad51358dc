"""Identity of a reply: which email at Instantly a webhook was about. Pure.

A webhook has no id of the email that certainly names it: `email_id` may name the email that was answered, so that two replies
share it. The list of emails has that id, but not the webhook's. So both are compared by sender, id, words and time, and each
email belongs to one reply at most (docs/replies.md, Reconciliation).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

SAME_REPLY_WINDOW = timedelta(minutes=30)
"""Greatest distance between the time of a webhook and the time of its email at Instantly, where the words are equal."""
SAME_MOMENT = timedelta(minutes=2)
"""The same where the words differ, because one of both was cut off or could not be read."""


@dataclass(frozen=True, slots=True)
class NotedReply:
    """Reply as a webhook reported it. *named_email_id* may be the email that was answered."""

    id: UUID
    at: datetime
    named_email_id: str | None
    text_hash: bytes | None
    """Keyed hash of the new text; None where only a stub came, or no text is kept."""


@dataclass(frozen=True, slots=True)
class ListedEmail:
    """Email that Instantly received from the sender of the replies."""

    id: str
    at: datetime
    text_hash: bytes | None


def pair_replies(replies: Sequence[NotedReply], emails: Sequence[ListedEmail]) -> dict[str, UUID]:
    """Return the reply of each email that has one, by the email's id. All are of one sender, and in no pair yet.

    The strongest proof comes first: named and equal words, equal words, named, the same moment. Of equally strong ones the
    nearest in time comes first. Each reply and each email is in one pair at most.
    """
    ids = frozenset(email.id for email in emails)
    candidates = sorted(
        (rank, abs(reply.at - email.at), reply.at, str(reply.id), email.id, reply)
        for reply in replies
        for email in emails
        if (rank := _rank(reply, email, ids)) is not None
    )
    pairs: dict[str, UUID] = {}
    paired: set[UUID] = set()
    for _, _, _, _, email_id, reply in candidates:
        if email_id not in pairs and reply.id not in paired:
            pairs[email_id] = reply.id
            paired.add(reply.id)
    return pairs


def _rank(reply: NotedReply, email: ListedEmail, ids: frozenset[str]) -> int | None:
    """Return the strength of the proof that both are the same, 0 for the strongest; None if they are not."""
    is_named = reply.named_email_id == email.id
    is_equal = reply.text_hash is not None and reply.text_hash == email.text_hash
    names_another = not is_named and reply.named_email_id in ids
    distance = abs(reply.at - email.at)
    proofs: Iterator[bool] = iter(
        (
            is_named and is_equal,
            is_equal and not names_another and distance <= SAME_REPLY_WINDOW,
            is_named,
            not names_another and not is_equal and distance <= SAME_MOMENT and _may_be_equal(reply, email),
        )
    )
    return next((rank for rank, holds in enumerate(proofs) if holds), None)


def _may_be_equal(reply: NotedReply, email: ListedEmail) -> bool:
    """Return whether the words of one are not known, so that they prove nothing."""
    return reply.text_hash is None or email.text_hash is None
