"""Queue of mails: the row that a service writes in the transaction that wants a mail sent."""

from dataclasses import dataclass
from uuid import UUID

from common.bus import Tx
from common.ids import BrokerId, LeadId, new_id
from common.mail import queries
from common.mail.content import MailContent
from common.pii.keyring import Keyring


@dataclass(frozen=True, slots=True)
class NewMail:
    """Mail to the person of a lead, which that person requested."""

    lead_id: LeadId
    broker_id: BrokerId | None
    """Broker about whom the mail is."""
    template: str
    """Name of the text in the code of the service, of lower-case letters, digits and underscores."""
    template_version: int
    content: MailContent


async def queue_mail(tx: Tx, keyring: Keyring, mail: NewMail) -> UUID | None:
    """Write the row of *mail*; the service's MailSender sends it after the commit. Return its id.

    Return None for a lead without a data key: it was erased, so nothing may be stored about it. Whether the mail may be
    sent is asked at the moment of sending, not here.
    """
    wrapped = await queries.read_data_key(tx.connection, lead_id=mail.lead_id)
    if wrapped is None:
        return None
    mail_id = new_id()
    await queries.insert_mail(
        tx.connection,
        mail_id=mail_id,
        lead_id=mail.lead_id,
        broker_id=mail.broker_id,
        template=mail.template,
        template_version=mail.template_version,
        value_hash=keyring.hash_contact(mail.content.recipient),
        hash_key_id=keyring.hash_key_id,
        content_ciphertext=mail.content.encrypt(keyring.unwrap_data_key(mail.lead_id, wrapped), mail_id),
    )
    return mail_id
