"""Forms of the consent page: opened by a link, and signed once (docs/consent.md). One transaction each."""

import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from common import telemetry
from common.bus import Bus, Tx
from common.database import Connection
from common.events import ConsentRefused
from common.ids import LeadId
from common.pii.keyring import Keyring
from consent import queries
from consent.form_fields import FieldError, FormFields, Signature, check_fields
from consent.form_page import FormOffer, render_form
from consent.queries import FormFacts
from consent.signatures import SignatureRecorder
from consent.signed_form import Client, SignedForm
from consent.texts import ConsentText, Language, read_stored_text
from consent.tokens import LIFETIME, NONCE_BYTES, FormToken, build_token, digest_page, hash_nonce, read_token

RefusalReason = Literal["malformed", "forged", "expired", "used", "unknown", "erased"]


@dataclass(frozen=True, slots=True)
class OpenForm:
    """Form that a person may sign, with what is to be corrected or read again."""

    lead_id: LeadId
    offer: FormOffer
    language: Language
    token: str
    fields: FormFields = field(default_factory=FormFields)
    errors: Mapping[str, FieldError] | None = None
    is_changed: bool = False
    """The agreement reads differently than on the page that was sent."""


@dataclass(frozen=True, slots=True)
class SignedPage:
    """Result of a signature, or of its repetition: the seller whom the person agreed to."""

    lead_id: LeadId
    seller: str
    language: Language


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """Refusal of a token. A token of ours names its lead."""

    reason: RefusalReason
    lead_id: LeadId | None = None
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class UnavailableForm:
    """No form: no text is published, or the lead's broker is missing, inactive, or has no legal name."""

    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """Fields that a client sent. They arrived *at* a time (UTC)."""

    fields: FormFields
    client: Client
    at: datetime


FormResult = OpenForm | SignedPage | RefusedForm | UnavailableForm


class ConsentForms:
    """Forms of all leads. The first of *secrets* signs tokens; all of them open one."""

    def __init__(self, bus: Bus, keyring: Keyring, secrets: Sequence[bytes], signatures: SignatureRecorder) -> None:
        self._bus = bus
        self._keyring = keyring
        self._secrets = secrets
        self._signatures = signatures

    async def has_text(self) -> bool:
        """Return whether a text is published. Without one, no form can be opened."""
        async with self._bus.database.connection() as connection:
            return await queries.has_text(connection)

    async def open(
        self, lead_id: LeadId, language: Language, *, issue: bool = True
    ) -> OpenForm | UnavailableForm | None:
        """Return a form with a new token; None if there is no such lead. Without *issue* it has no token and changes nothing."""
        async with self._bus.database.transaction() as connection:
            facts = await queries.read_form(connection, lead_id=lead_id)
            if facts is None:
                return None
            offer = self._build_offer(facts)
            if offer is None:
                return UnavailableForm()
            token = await self._issue_token(connection, lead_id, offer, language) if issue else ""
            return OpenForm(lead_id, offer, language, token)

    async def sign(self, fields: FormFields, client: Client) -> FormResult:
        """Record the signature of a form, or return why nothing was recorded. A repetition has no second effect.

        Its time is the arrival of the form: a withdrawal that arrives while the signature waits is later than it.
        """
        at, token = datetime.now(UTC), read_token(fields.token, self._secrets)
        if isinstance(token, str):
            reason: RefusalReason = token
            return await self._bus.transact(lambda tx: self._refuse(tx, reason))
        return await self._bus.transact(lambda tx: self._sign(tx, token, Submission(fields, client, at)))

    async def _sign(self, tx: Tx, token: FormToken, sent: Submission) -> FormResult:
        issued = await queries.find_token(tx.connection, token_id=token.token_id)
        if issued is None or not hmac.compare_digest(issued.nonce_hash, hash_nonce(token.nonce)):
            return await self._refuse(tx, "unknown", token)
        facts = await queries.read_form(tx.connection, lead_id=issued.lead_id)
        if facts is None or facts.data_key is None:
            return await self._refuse(tx, "erased", token, facts)
        if issued.used_at is not None:
            return await self._answer_repetition(tx, token, facts, sent.fields)
        if sent.at >= token.expires_at:
            return await self._refuse(tx, "expired", token, facts)
        offer = self._build_offer(facts)
        if offer is None:
            return UnavailableForm(token.language)
        return await self._sign_offer(tx, token, facts, offer, sent)

    async def _sign_offer(
        self, tx: Tx, token: FormToken, facts: FormFacts, offer: FormOffer, sent: Submission
    ) -> FormResult:
        """Record the signature if the page still reads as it did, and the fields can be signed."""
        form = OpenForm(facts.lead_id, offer, token.language, sent.fields.token, sent.fields)
        page = render_form(offer, token.language)
        if not hmac.compare_digest(digest_page(page), token.page_digest):
            fresh = await self._issue_token(tx.connection, facts.lead_id, offer, token.language)
            return replace(form, token=fresh, fields=replace(sent.fields, agree=False), is_changed=True)
        signature = check_fields(sent.fields)
        if not isinstance(signature, Signature):
            return replace(form, errors=signature)
        assert facts.data_key is not None  # noqa: S101 - there is no offer without one
        signed = SignedForm(
            facts.lead_id, facts.data_key, token.token_id, offer, page, token.language, signature, sent.client, sent.at
        )
        if await self._signatures.record(tx, signed):
            return SignedPage(facts.lead_id, offer.seller, token.language)
        return await self._answer_repetition(tx, token, facts, sent.fields)

    async def _answer_repetition(self, tx: Tx, token: FormToken, facts: FormFacts, fields: FormFields) -> FormResult:
        """Return the same result for the same submission, and refuse any other one with a used token."""
        recorded = await queries.find_signature(tx.connection, token_id=token.token_id)
        signature = check_fields(fields)
        if recorded and isinstance(signature, Signature) and self._signatures.is_same(facts, recorded, signature):
            return SignedPage(facts.lead_id, recorded.legal_name or "", token.language)
        return await self._refuse(tx, "used", token, facts)

    async def _refuse(
        self, tx: Tx, reason: RefusalReason, token: FormToken | None = None, facts: FormFacts | None = None
    ) -> RefusedForm:
        tx.emit(
            ConsentRefused(
                lead_id=facts.lead_id if facts else None,
                broker_id=facts.broker_id if facts else None,
                occurred_at=tx.now,
                outcome=reason,
                reason=reason,
                token_id=token.token_id if token else None,
            )
        )
        telemetry.counter("equity_consents_refused", "Refused tokens of consent forms").add(1, {"reason": reason})
        return RefusedForm(reason, facts.lead_id if facts else None, token.language if token else None)

    async def _issue_token(self, connection: Connection, lead_id: LeadId, offer: FormOffer, language: Language) -> str:
        nonce = os.urandom(NONCE_BYTES)
        token_id = await queries.issue_token(connection, lead_id=lead_id, nonce_hash=hash_nonce(nonce))
        digest = digest_page(render_form(offer, language))
        token = FormToken(token_id, nonce, datetime.now(UTC) + LIFETIME, language, digest)
        return build_token(token, self._secrets[0])

    def _build_offer(self, facts: FormFacts) -> FormOffer | None:
        """Return what the form of a lead offers; None if it cannot be offered now."""
        text = _read_text(facts.text) if facts.text else None
        if facts.data_key is None or not facts.active or not facts.legal_name or not facts.broker_id:
            return None
        if text is None or facts.text is None or facts.text_version is None:
            return None
        hint = None
        if facts.number_ciphertext is not None:
            key = self._keyring.unwrap_data_key(facts.lead_id, facts.data_key)
            hint = key.decrypt("phone", facts.number_ciphertext)[-3:]
        return FormOffer(facts.broker_id, facts.legal_name, facts.text_version, text, facts.text, hint)


@lru_cache(maxsize=16)
def _read_text(stored: str) -> ConsentText | None:
    return read_stored_text(stored)
