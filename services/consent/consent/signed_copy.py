"""Copy of what a person signed, mailed to the verified address of the lead (docs/consent.md, The copy)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from common.bus import Tx
from common.compliance.links import build_lead_link
from common.mail.content import MailContent
from common.mail.queue import NewMail, queue_mail
from common.pii.keyring import Keyring
from consent import queries
from consent.form_page import fill_in_text
from consent.pages import read_page_texts
from consent.signed_form import SignedForm
from consent.texts import Language

log = structlog.get_logger()

TEMPLATE, TEMPLATE_VERSION = "consent_copy", 1


@dataclass(frozen=True, slots=True)
class SignedCopyMailer:
    """Writer of the copies' mails, which the service's mailer sends. *withdraw_url* is the page that withdraws consent."""

    keyring: Keyring
    withdraw_url: str
    link_secret: bytes

    async def queue_copy(self, tx: Tx, form: SignedForm) -> UUID | None:
        """Queue the copy of a signature in its transaction. Return the mail's id; None for a lead without a verified address."""
        encrypted = await queries.find_verified_email(tx.connection, lead_id=form.lead_id)
        if encrypted is None:
            log.info("consent_copy_skipped", lead_id=str(form.lead_id), reason="the lead has no verified address")
            return None
        address = self.keyring.unwrap_data_key(form.lead_id, form.data_key).decrypt("email", encrypted)
        link = build_lead_link(self.withdraw_url, self.link_secret, form.lead_id)
        content = build_copy(form, address, link)
        new = NewMail(form.lead_id, form.offer.broker_id, TEMPLATE, TEMPLATE_VERSION, content)
        return await queue_mail(tx, self.keyring, new)


def build_copy(form: SignedForm, address: str, withdraw_link: str) -> MailContent:
    """Return the mail: the agreement word for word, who signed it when and for which number, and how to withdraw. Pure.

    Of the number it has the last three digits, as the form has: an email may be read by others.
    """
    texts, seller = read_page_texts(form.language), form.offer.seller
    agree = "form_agree_label" if "texts" in form.offer.text.covers else "form_agree_label_calls"
    facts = [
        texts["copy_at"].format(at=_write_time(form.at, form.language)),
        texts["copy_name"].format(name=form.signature.name),
        texts["copy_number"].format(digits=form.signature.number[-3:]),
        texts["copy_seller"].format(seller=seller),
    ]
    agreement = [f"{place}. {words}" for place, words in enumerate(fill_in_text(form.offer, form.language), start=1)]
    paragraphs = [
        texts["copy_intro"],
        "\n".join(facts),
        texts["form_agreement"],
        *agreement,
        f"[x] {texts[agree].format(seller=seller)}\n[{texts['form_button']}]",
        f"{texts['copy_withdraw']}\n{withdraw_link}",
        texts["copy_not_mine"],
    ]
    return MailContent(address, texts["copy_subject"], "\n\n".join(paragraphs), form.language)


def _write_time(at: datetime, language: Language) -> str:
    texts = read_page_texts(language)
    month = texts["months"].split()[at.month - 1]
    return texts["copy_time"].format(month=month, day=at.day, year=at.year, time=f"{at:%H:%M}")
