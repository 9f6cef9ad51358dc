"""Withdrawals that a person states at the office: the same effect as the page's, with the statement as evidence."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import orjson

from common.bus import Tx
from common.compliance.opt_outs import OptOut
from common.ids import LeadId
from common.pii.keyring import Keyring
from consent import command_queries
from consent.opt_outs import PageOptOut, opt_out_lead, opt_out_value
from consent.proof_content import encrypt_content


@dataclass(frozen=True, slots=True)
class OfficeStatement:
    """Withdrawal as it was taken: the reason given, and the name of the person who took it."""

    reason: str
    by: str


async def record_withdrawal(
    tx: Tx, keyring: Keyring, lead_id: LeadId, number: str | None, statement: OfficeStatement, at: datetime
) -> bool | None:
    """Withdraw the consent for *number* (E.164), or for None every consent and all numbers of the lead.

    Return whether it is new; None if there is no such lead. A repetition records nothing.
    """
    key = await command_queries.read_data_key(tx.connection, lead_id=lead_id)
    if key is None:
        return None
    content = orjson.dumps({"reason": statement.reason, "by": statement.by, "at": at.isoformat()}).decode()
    encrypted = (
        encrypt_content(keyring.unwrap_data_key(lead_id, key.data_key), "statement", content) if key.data_key else None
    )
    evidence = encrypted.hash if encrypted else hashlib.sha256(content.encode()).digest()
    if number is None:
        is_new = bool(await opt_out_lead(tx, PageOptOut(lead_id, "phone", "office"), at, evidence))
    else:
        opt_out = OptOut("phone", keyring.hash_contact(number), keyring.hash_key_id, "opt_out", lead_id, at, evidence)
        is_new = await opt_out_value(tx, opt_out, "office")
    if is_new and encrypted:
        await command_queries.add_statement(
            tx.connection, lead_id=lead_id, evidence_hash=encrypted.hash, ciphertext=encrypted.ciphertext
        )
    return is_new
