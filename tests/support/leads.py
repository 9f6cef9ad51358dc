"""Leads with contacts, written as the database's owner, for tests of `equity leads`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from common.ids import new_id
from support.feeding import KEYS


@dataclass(frozen=True, slots=True)
class LeadFixture:
    """Writer of leads."""

    db: asyncpg.Connection

    async def add(
        self, *, status: str = "new", phone: str | None = None, email: str | None = None, **columns: Any
    ) -> UUID:
        """Add a lead with these columns and contacts, and return its id."""
        lead = new_id()
        key, wrapped = KEYS.create_data_key(lead)
        values = {"id": lead, "source": "test", "data_key": wrapped,
                  "campaign_status": status, "property_state": "FL", **columns}  # fmt: skip
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        await self.db.execute(f"insert into app.leads ({', '.join(values)}) values ({places})", *values.values())
        for channel, value in (("phone", phone), ("email", email)):
            if value:
                await self.db.execute(
                    """insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source)
                    values ($1, $2, $3, 'h1', $4, 'test')""",
                    lead, channel, KEYS.hash_contact(value), key.encrypt(channel, value),
                )  # fmt: skip
        return lead

    async def status(self, lead: UUID) -> str:
        """Return the campaign status of *lead*."""
        return str(await self.db.fetchval("select campaign_status::text from app.leads where id = $1", lead))

    async def outbox_topics(self, service: str) -> list[str]:
        """Return the topics of the events in the outbox of *service*."""
        return [row["topic"] for row in await self.db.fetch(f"select topic from svc_{service}.outbox order by id")]

    async def log(self) -> list[dict[str, Any]]:
        """Return the rows of the access log."""
        return [dict(row) for row in await self.db.fetch("select * from app.access_log order by id")]
