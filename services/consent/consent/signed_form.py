"""Form that a person signed, as everything that a signature records needs it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.ids import LeadId
from consent.form_fields import Signature
from consent.form_page import FormOffer
from consent.texts import Language


@dataclass(frozen=True, slots=True)
class Client:
    """Sender of a form, as the evidence names it: the whole network address, and the browser."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class SignedForm:
    """Form that a person signed *at* a time (UTC). *page* is the copy of what was shown."""

    lead_id: LeadId
    data_key: bytes
    token_id: UUID
    offer: FormOffer
    page: str
    language: Language
    signature: Signature
    client: Client
    at: datetime
