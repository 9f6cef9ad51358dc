"""Signatures: proof, status of the lead, a new number for ingest, the signer's copy, and events, in the transaction that uses the token."""

import hmac
from typing import Any

import orjson
import structlog

from common import telemetry
from common.bus import Tx
from common.compliance import queries as compliance_queries
from common.compliance.decision_log import lock_contacts
from common.compliance.statements import build_revoked
from common.events import ConsentGranted, LeadRecord
from common.events.records import SIGNED_NUMBER_SOURCE, PhoneCandidate
from common.pii.keyring import DecryptionError, Keyring
from consent import queries
from consent.form_fields import Signature
from consent.proof_content import decrypt_content, encrypt_content
from consent.queries import FormFacts, GrantedConsent, RecordedSignature
from consent.signed_copy import SignedCopyMailer
from consent.signed_form import SignedForm
from consent.texts import hash_text

log = structlog.get_logger()


class SignatureRecorder:
    """Recorder of signatures."""

    def __init__(self, keyring: Keyring, copies: SignedCopyMailer) -> None:
        self._keyring = keyring
        self._copies = copies

    async def record(self, tx: Tx, form: SignedForm) -> bool:
        """Record the signature. Return False if another submission of the form has used its token."""
        value_hash = self._keyring.hash_contact(form.signature.number)
        await lock_contacts(tx, [value_hash])
        if await queries.use_token(tx.connection, token_id=form.token_id) is None:
            return False
        is_known = await queries.find_known_number(tx.connection, lead_id=form.lead_id, value_hash=value_hash)
        granted = await self._grant(tx, form, value_hash)
        await queries.mark_replied(tx.connection, lead_id=form.lead_id)
        await self._emit_granted(tx, form, value_hash, granted, is_known=is_known)
        ended = await compliance_queries.list_ended_consents(
            tx.connection, value_hashes=[value_hash], lead_ids=[form.lead_id]
        )
        for row in ended:  # a later opt-out for this number arrived before the signature
            tx.emit(build_revoked(row, row.reason, form.at))
        if not is_known:
            await _send_to_ingest(tx, form)
        await self._copies.queue_copy(tx, form)
        telemetry.counter("equity_consents_granted", "Signatures of consent forms").add(1)
        log.info("consent_granted", lead_id=str(form.lead_id), audit_id=granted.audit_id, is_new_number=not is_known)
        return True

    def is_same(self, facts: FormFacts, recorded: RecordedSignature, signature: Signature) -> bool:
        """Return whether *signature* has the number and the name of the recorded one."""
        if facts.data_key is None or recorded.signer_ciphertext is None:
            return False
        if not hmac.compare_digest(recorded.value_hash, self._keyring.hash_contact(signature.number)):
            return False
        key = self._keyring.unwrap_data_key(facts.lead_id, facts.data_key)
        try:
            signer = orjson.loads(decrypt_content(key, "signer", recorded.signer_ciphertext, recorded.signer_hash))
        except DecryptionError:
            return False
        return bool(hmac.compare_digest(signer["name"].encode(), signature.name.encode()))

    async def _grant(self, tx: Tx, form: SignedForm, value_hash: bytes) -> GrantedConsent:
        key = self._keyring.unwrap_data_key(form.lead_id, form.data_key)
        page = encrypt_content(key, "page", form.page)
        signer = encrypt_content(key, "signer", orjson.dumps(_describe_signer(form)).decode())
        return await queries.grant_consent(
            tx.connection,
            lead_id=form.lead_id,
            value_hash=value_hash,
            hash_key_id=self._keyring.hash_key_id,
            broker_id=form.offer.broker_id,
            text_version=form.offer.text_version,
            token_id=form.token_id,
            signed_at=form.at,
            text_hash=hash_text(form.offer.stored_text),
            page_hash=page.hash,
            page=page.ciphertext,
            signer_hash=signer.hash,
            signer=signer.ciphertext,
        )

    async def _emit_granted(
        self, tx: Tx, form: SignedForm, value_hash: bytes, granted: GrantedConsent, *, is_known: bool
    ) -> None:
        [lead] = await queries.list_leads(tx.connection, lead_ids=[form.lead_id])
        lifted = []
        if granted.lifted:
            lifted = await queries.list_lifted_suppressions(
                tx.connection, lead_id=form.lead_id, value_hash=value_hash, signed_at=form.at
            )
        tx.emit(
            ConsentGranted(
                lead_id=form.lead_id,
                lead_version=lead.lead_version,
                broker_id=lead.assigned_broker_id,
                occurred_at=form.at,
                outcome="granted",
                value_hash=value_hash.hex(),
                hash_key_id=self._keyring.hash_key_id,
                audit_id=granted.audit_id,
                seq=granted.seq,
                row_hash=granted.row_hash.hex(),
                seller_broker_id=form.offer.broker_id,
                text_version=form.offer.text_version,
                covers=granted.covers,
                method="form",
                token_id=form.token_id,
                is_new_number=not is_known,
                lifted_suppression_ids=lifted,
            )
        )


def _describe_signer(form: SignedForm) -> dict[str, Any]:
    """Return what identifies the signer, and on which page."""
    return {
        "name": form.signature.name,
        "number": form.signature.number,
        "address": form.client.address,
        "user_agent": form.client.user_agent,
        "language": form.language,
        "seller": form.offer.seller,
        "page": "/consent",
    }


async def _send_to_ingest(tx: Tx, form: SignedForm) -> None:
    """Send the number to ingest as a candidate of the lead, under the lead's own keys, so that it is verified like others."""
    home = await queries.read_home(tx.connection, lead_id=form.lead_id)
    if home is None or not (home.property_address and home.property_zip):
        log.warning("signed_number_not_sent", lead_id=str(form.lead_id), reason="the lead has no address")
        return
    keys = {
        name: getattr(home, name)
        for name in (
            "mak", "apn", "property_address", "property_unit", "property_city", "property_state", "property_zip", "fips", "county"
        )
    }  # fmt: skip
    tx.emit(
        LeadRecord(
            source=SIGNED_NUMBER_SOURCE,
            broker_id=home.assigned_broker_id,
            phones=[PhoneCandidate(number=form.signature.number)],
            **keys,
        ),
        subject=form.lead_id,
    )
