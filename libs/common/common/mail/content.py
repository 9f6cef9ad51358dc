"""Content of a mail as it is stored, encrypted with the lead's data key, until it is sent and afterwards."""

from dataclasses import asdict, dataclass
from typing import Literal, Self
from uuid import UUID

import orjson

from common.pii.keyring import DataKey

MailLanguage = Literal["en", "es"]
_MAX_SUBJECT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class MailContent:
    """Recipient and words of one mail, without the end that every mail has: postal address and opt-out."""

    recipient: str
    """Address in normal form (`common.pii.contact_values.email_address`)."""
    subject: str
    text: str
    """Plain text; an empty line begins a paragraph."""
    language: MailLanguage = "en"
    html: str | None = None
    """Fragment of HTML with the same words, which our code made; None: it is made from the text."""

    def __post_init__(self) -> None:
        """Raise ValueError for an address or subject that would add a header, and for one that is empty."""
        for name, line in (("recipient", self.recipient), ("subject", self.subject)):
            if not line.strip() or not line.isprintable():
                raise ValueError(f"the {name} of a mail is empty, or has a line break or another control character")
        if len(self.subject) > _MAX_SUBJECT_CHARACTERS:
            raise ValueError(f"the subject of a mail has more than {_MAX_SUBJECT_CHARACTERS} characters")

    def encrypt(self, key: DataKey, mail_id: UUID) -> bytes:
        """Return the content encrypted for the mail with this id."""
        return key.encrypt(_bound_to(mail_id), orjson.dumps(asdict(self)).decode())

    @classmethod
    def decrypt(cls, key: DataKey, mail_id: UUID, ciphertext: bytes) -> Self:
        """Return the content. Raises DecryptionError for that of another mail or lead."""
        return cls(**orjson.loads(key.decrypt(_bound_to(mail_id), ciphertext)))


def _bound_to(mail_id: UUID) -> str:
    return f"mail|{mail_id}"
