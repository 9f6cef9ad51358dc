"""Webhooks of Instantly on the bus, and what the replies service made of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaProducer

from common.bus import envelope
from common.events import InstantlyWebhook
from common.ids import BrokerId, LeadId
from support.feeding import KEYS
from support.installation import Installation
from support.leads import LeadFixture
from support.topic_reader import read_all_messages

CAMPAIGN = "0198a1c2-5b7e-7c31-9d10-2f6a4c11e001"
EMAIL = "marjorie.holt@example.com"
BODY = (
    "Hello {{firstName}},<br/>by our estimate your home at {{property_address}} has a lot of equity.<br/>"
    "If you would rather not hear from us, open the link or answer STOP and we write no more."
)
"""Body of the emails that the campaign of the tests sends."""


def webhook(event_type: str = "reply_received", **fields: Any) -> dict[str, Any]:
    """Return the body of a webhook; *fields* replace its own."""
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "event_type": event_type,
        "workspace": str(UUID(int=1)),
        "campaign_id": CAMPAIGN,
        "lead_email": EMAIL,
        "email_account": "dana@outreach.example",
        "email_id": str(uuid4()),
        "step": 2,
        **fields,
    }


@dataclass
class RepliesFixture:
    """Leads and webhooks, written as the database's owner and as the gateway."""

    db: asyncpg.Connection
    installation: Installation
    broker: BrokerId
    leads: LeadFixture = field(init=False)
    published: int = 0

    def __post_init__(self) -> None:
        self.leads = LeadFixture(self.db)

    async def add_lead(self, email: str = EMAIL, *, status: str = "active", **columns: Any) -> LeadId:
        """Add a lead of the broker with a verified address, a phone and names."""
        values = {"owner_first_name": "Marjorie", "owner_last_name": "Holt", "assigned_broker_id": self.broker}
        lead = await self.leads.add(status=status, email=email, phone="+17275550142", **values | columns)
        await self.db.execute("update app.lead_contacts set verified = true where lead_id = $1", lead)
        return LeadId(lead)

    async def publish(self, *bodies: Any, ids: Sequence[UUID] = (), oversized: bool = False) -> list[UUID]:
        """Publish webhooks as the gateway does, and return their ids."""
        sent = []
        async with AIOKafkaProducer(bootstrap_servers=self.installation.kafka) as producer:
            for place, body in enumerate(bodies):
                event_id = ids[place] if ids else uuid4()
                received_at = datetime.now(UTC)
                event = InstantlyWebhook(vendor="instantly", received_at=received_at, body=body, oversized=oversized)
                headers = envelope.build_headers(
                    id=event_id, type=InstantlyWebhook.topic, source="gateway", time=received_at
                )
                await producer.send_and_wait(
                    self.installation.prefix + InstantlyWebhook.topic, event.model_dump_json().encode(), headers=headers
                )
                sent.append(event_id)
        self.published += len({*sent}) if not ids else 0
        return sent

    async def wait(self, condition: str, *values: object, seconds: float = 40) -> None:
        """Wait until the SQL *condition* is true."""
        async with asyncio.timeout(seconds):
            while not await self.db.fetchval(f"select {condition}", *values):
                await asyncio.sleep(0.05)

    async def deliver(self, *bodies: Any, **more: Any) -> list[UUID]:
        """Publish webhooks and wait until they are handled, every reply has a route, and all events are published."""
        sent = await self.publish(*bodies, **more)
        await self.wait("count(*) = $2 from svc_replies.inbox where event_id = any ($1)", sent, len({*sent}))
        await self.wait("not exists (select from app.replies where state = 'received')")
        await self.wait("not exists (select from svc_replies.outbox)")
        return sent

    async def reply(self, event_id: UUID) -> asyncpg.Record:
        """Return the row of the reply that a webhook brought."""
        row = await self.db.fetchrow("select * from app.replies where event_id = $1", event_id)
        assert row is not None
        return row

    async def answers(self) -> list[asyncpg.Record]:
        """Return all answers, the oldest first."""
        return await self.db.fetch("select * from app.reply_answers order by created_at, id")

    async def suppressed(self, value: str = EMAIL) -> list[str]:
        """Return the reasons for which *value* is suppressed."""
        rows = await self.db.fetch(
            "select reason from app.active_suppressions where value_hash = $1 order by reason", KEYS.hash_contact(value)
        )
        return [row["reason"] for row in rows]

    async def events(self, topic: str) -> list[bytes]:
        """Return the bodies of all events of *topic*."""
        messages = await read_all_messages(self.installation.kafka, self.installation.prefix + topic)
        return [message.value for message in messages]
