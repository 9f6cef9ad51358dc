"""A person in every table that can hold personal data, for tests of erasure."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from common.bus.dead_letter_message import pack_message
from common.csv.rejects import encrypt_row
from common.ids import BrokerId, LeadId, new_id
from support.feeding import KEYS
from support.leads import LeadFixture

EMAIL, PHONE = "marjorie.holt@example.com", "+17275550142"
ROW = {"Name": "HOLT, Marjorie", "Address": "418 Palmetto Ave", "Zip": "34698"}
"""A rejected row that names the person without address or number."""
OTHER_ROW = {"Name": "Dana Reyes", "Phone": "(727) 555-0199"}
FACTS: dict[str, Any] = {
    "mak": "8034512097", "apn_key": "12103|152700", "apn": "15-27-00", "addr_hash": b"\x00\x00\x00\x03" + b"a" * 12,
    "property_address": "418 Palmetto Ave", "property_unit": "Unit 7Q", "property_city": "Dunedin", "property_zip": "34698",
    "county": "PINELLAS", "fips": "12103", "owner_first_name": "Marjorie", "owner_last_name": "Holt",
    "owner2_first_name": "Wendell", "owner2_last_name": "Holt-Baker", "company_name": "Holtwood Holdings",
    "mailing_address": "PO Box 5151", "mailing_unit": "Box 9Z", "mailing_city": "Clearwater", "mailing_state": "GA",
    "mailing_zip": "33755", "property_type": "SFR", "bedrooms": 3, "bathrooms": 2, "building_sqft": 1500, "lot_sqft": 6000,
    "year_built": 1971, "owner_occupied": True, "vacant": False, "est_value": 412_017, "est_equity": 351_019, "est_ltv": 14.8,
    "open_loans": 1, "open_loan_balance": 60_998, "last_sale_date": datetime(2004, 5, 6, tzinfo=UTC).date(),
    "last_sale_amount": 180_003, "deceased_owner": True, "do_not_mail": True, "litigator": True, "notes": "likes orchids",
}  # fmt: skip
CLEAR_TEXTS = (
    EMAIL, PHONE, "7275550142", "Holt", "HOLT", "Marjorie", "Wendell", "Palmetto", "34698", "Dunedin", "5151", "Clearwater",
    "33755", "8034512097", "152700", "15-27-00", "orchids", "7Q", "9Z", "412017", "351019",
)  # fmt: skip
"""Texts of the person that must be in no row of any table after an erasure."""
_BY_CHANCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\\x[0-9a-f]+|\b[0-9a-f]{32,}\b|\d\d:\d\d:\d\d\.\d+")
"""Ids, binary values, hashes and times of a row, which have short numbers such as 5151 by chance."""


@dataclass(slots=True)
class ErasedPersonFixture:
    """Writer of a person, as the database's owner."""

    db: Any
    broker: BrokerId = field(default_factory=lambda: BrokerId(uuid4()))
    lead: LeadId = field(init=False)
    other: LeadId = field(init=False)
    """Lead of another person, who has the same phone number."""
    upload: UUID = field(default_factory=uuid4)

    async def write(self) -> None:
        """Write the person and another one."""
        leads = LeadFixture(self.db)
        await self.db.execute("insert into app.brokers (id, name) values ($1, 'Gulf Home Equity')", self.broker)
        common: dict[str, Any] = {"assigned_broker_id": self.broker, "status": "active"}
        self.lead = LeadId(await leads.add(email=EMAIL, phone=PHONE, **common, **FACTS))
        self.other = LeadId(await leads.add(email="dana@example.com", phone=PHONE, owner_last_name="Reyes", **common))
        await self._write_texts()
        await self._write_stored_texts()
        await self._write_links()

    async def _write_texts(self) -> None:
        key = KEYS.unwrap_data_key(
            self.lead, await self.db.fetchval("select data_key from app.leads where id = $1", self.lead)
        )
        text, reply = key.encrypt("reply", "I am Marjorie"), new_id()
        await self.db.execute(
            """update app.leads set preferences = '{"name": "Holt"}', melissa_payload = '{"mak": "8034512097"}',
              email_encrypted = $2, email_hash = $2, phone_encrypted = $2, phone_hash = $3 where id = $1""",
            self.lead, text, KEYS.hash_contact(PHONE),
        )  # fmt: skip
        await self.db.execute(
            "update app.leads set phone_encrypted = $2, phone_hash = $3, phone_verified = true where id = $1",
            self.other, text, KEYS.hash_contact(PHONE),
        )  # fmt: skip
        await self.db.execute(
            """insert into app.replies (id, event_id, lead_id, matched_by, at, received_at, subject_ciphertext, text_ciphertext,
              other_ciphertext, text_hash, state) values ($1, $2, $3, 'address', now(), now(), $4, $4, $4, $4, 'received')""",
            reply, uuid4(), self.lead, text,
        )  # fmt: skip
        await self.db.execute(
            """insert into app.reply_answers (id, reply_id, lead_id, template, template_version, state, value_hash, hash_key_id,
              subject_ciphertext, text_ciphertext) values ($1, $2, $3, 'interested', 1, 'due', $4, 'h1', $5, $5)""",
            uuid4(), reply, self.lead, KEYS.hash_contact(EMAIL), text,
        )  # fmt: skip

    async def _write_stored_texts(self) -> None:
        for row, cells in enumerate((ROW, OTHER_ROW, {"Contact": f"call {PHONE}"}), 1):
            await self.db.execute(
                "insert into app.upload_rejects (upload_id, row, reasons, row_encrypted) values ($1, $2, '{x}', $3)",
                self.upload, row, encrypt_row(KEYS, self.upload, row, cells),
            )  # fmt: skip
        for consumer, body in (("a", {"emails": [EMAIL]}), ("b", {"emails": ["dana@example.com"]})):
            event = uuid4()
            message = pack_message(None, [("ce_type", b"x")], json.dumps(body).encode())
            await self.db.execute(
                "insert into pipeline.pipeline_dlq (source, consumer, event_id, payload) values ('t', $1, $2, $3)",
                consumer, event, KEYS.encrypt("dead-letter", event.bytes, message),
            )  # fmt: skip
        await self.db.execute(
            "insert into pipeline.leads_staging (id, mak, raw) values ($1, '8034512097', $2)",
            uuid4(), json.dumps({"owner": "Marjorie Holt"}),
        )  # fmt: skip
        await self.db.execute("insert into pipeline.legacy_contacts values ($1, 'email', $2)", self.lead, EMAIL)

    async def _write_links(self) -> None:
        await self.db.execute(
            """insert into app.lead_conflicts (kind, lead_id, other_lead_id, column_name, value, shown)
            values ('key_held', $1, $2, 'mak', '8034512097', '{"property_address": "418 Palmetto Ave"}')""",
            self.other, self.lead,
        )  # fmt: skip
        campaign = await self.db.fetchval(
            "insert into app.campaigns (broker_id, name) values ($1, 'A') returning id", self.broker
        )
        await self.db.execute(
            """insert into app.vendor_memberships (lead_id, campaign_id, desired, actual, value_hash, vendor_lead_id)
            values ($1, $2, 'in', 'in', $3, 'v1')""",
            self.lead, campaign, KEYS.hash_contact(EMAIL),
        )  # fmt: skip
        for outcome, leads in (
            ("answered", [self.lead]),
            ("answered", [self.lead, self.other]),
            ("asked", [self.lead]),
        ):
            request = await self.db.fetchval(
                """insert into app.skip_trace_requests (provider, outcome, records, lookups_encrypted, response_encrypted,
                  answered_at, lease_until)
                values ('melissa', $1, 2, 'x', $2, now(), now() + interval '1 hour') returning id""",
                outcome, b"x" if outcome == "answered" else None,
            )  # fmt: skip
            for lead in leads:
                await self.db.execute(
                    "insert into app.skip_trace_attempts (request_id, lead_id, provider) values ($1, $2, 'melissa')",
                    request, lead,
                )  # fmt: skip

    async def find_clear_texts(self) -> list[tuple[str, str]]:
        """Return each table with a text of the person in clear, and the text."""
        tables = await self.db.fetch(
            r"""select n.nspname || '.' || quote_ident(c.relname) as name from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'm') and (n.nspname in ('app', 'pipeline') or n.nspname like 'svc\_%')"""
        )
        found = []
        for table in tables:
            for row in await self.db.fetch(f"select t::text as text from {table['name']} t"):
                stored = _BY_CHANCE.sub("", row["text"])
                found += [(table["name"], text) for text in CLEAR_TEXTS if text in stored]
        return found
