"""Consents and opt-outs, recorded through the functions of the database."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from common.bus import Tx
from common.compliance.opt_outs import OptOut, SuppressionReason, record_opt_outs
from common.compliance.queries import RecordedOptOut
from common.database import Connection
from common.events import Event
from common.ids import BrokerId, LeadId
from support.feeding import KEYS
from support.leads import LeadFixture

NUMBER, OTHER_NUMBER, EMAIL = "+17275550142", "+17275550143", "owner@example.com"
START = datetime(2026, 11, 2, 15, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Return the time *minutes* after the first event of a test."""
    return START + timedelta(minutes=minutes)


@dataclass(slots=True)
class ConsentFixture:
    """Writer of consents and opt-outs through the functions of the database, as the service *consent*."""

    owner: asyncpg.Connection
    consent: Connection
    broker: BrokerId
    leads: LeadFixture = field(init=False)

    def __post_init__(self) -> None:
        self.leads = LeadFixture(self.owner)

    async def add_lead(self, phone: str = NUMBER, email: str = EMAIL, status: str = "active") -> LeadId:
        """Add a lead of the broker with a phone and an email."""
        return LeadId(await self.leads.add(status=status, phone=phone, email=email, assigned_broker_id=self.broker))

    async def sign(self, lead: LeadId, minutes: float, number: str = NUMBER, **changes: Any) -> asyncpg.Record:
        """Record a signature."""
        values = {"text": 1, "token": None, "method": "form", **changes}
        row = await self.consent.fetchrow(
            "select * from app.grant_consent($1, $2, 'h1', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            lead, KEYS.hash_contact(number), self.broker, values["text"], values["token"], values["method"], at(minutes),
            b"t" * 32, b"p" * 32, b"page", b"s" * 32, b"signer",
        )  # fmt: skip
        assert row
        return row

    async def opt_out(
        self,
        value: str,
        minutes: int,
        *,
        lead: LeadId | None = None,
        reason: SuppressionReason = "opt_out",
        evidence: bytes | None = None,
    ) -> RecordedOptOut:
        """Record an opt-out in a transaction of the service *consent*."""
        channel: Any = "email" if "@" in value else "phone"
        async with self.consent.transaction():
            statement = OptOut(channel, KEYS.hash_contact(value), "h1", reason, lead, at(minutes), evidence)
            [recorded] = await record_opt_outs(Tx(self.consent, "consent"), [statement])
        return recorded

    async def events(self, *types: type[Event]) -> list[dict[str, Any]]:
        """Return the events of these types that wait in the outbox of *consent*, in their order."""
        topics = [event.topic for event in types]
        rows = await self.owner.fetch("select body from svc_consent.outbox where topic = any ($1) order by id", topics)
        return [orjson.loads(row["body"]) for row in rows]

    async def active(self, value: str) -> list[str]:
        """Return the reasons for which *value* is suppressed."""
        rows = await self.consent.fetch(
            "select reason from app.active_suppressions where value_hash = $1 order by reason", KEYS.hash_contact(value)
        )
        return [row["reason"] for row in rows]

    async def audit(self, lead: LeadId) -> list[asyncpg.Record]:
        """Return the chain of the lead."""
        return await self.consent.fetch("select * from app.lead_consent_audit where lead_id = $1 order by seq", lead)

    async def summary(self, lead: LeadId) -> tuple[bool, datetime | None, str | None]:
        """Return the columns of the lead that sum up its consent."""
        row = await self.owner.fetchrow(
            "select consent, consented_at, consent_method from app.leads where id = $1", lead
        )
        assert row
        return row["consent"], row["consented_at"], row["consent_method"]
