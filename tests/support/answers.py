"""Replies that wait for an automatic answer, in the database and in the sandbox's Instantly; and a service whose jobs a test runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import aiohttp
import asyncpg
import orjson
from pydantic import SecretStr

from common.ids import BrokerId, CampaignId, LeadId, new_id
from common.pii.keyring import DataKey
from common.service import Service
from replies.app import build
from replies.settings import RepliesSettings
from replies.stored_texts import encrypt_text
from sandbox.app import Sandbox
from support.databases import Database
from support.feeding import KEYS
from support.installation import SECRETS
from support.vendors import CAMPAIGN_SCHEDULE, SandboxClient

OWNER = "marjorie.holt@gmail.com"
ACCOUNT = "dana@outreach.example"
POSTAL_ADDRESS = "1 Sample Street, Tampa, FL 33602"
BODY = "Hello {{firstName}},<br/>would you like a call?<br/>Do not write to me again, or answer STOP."


def make_answer_settings(database: Database, sandbox_url: str, **more: Any) -> RepliesSettings:
    """Return the settings of a replies service whose Instantly is the sandbox."""
    values: dict[str, Any] = {name.lower(): value for name, value in SECRETS.items()}
    values |= {
        "database_url": SecretStr(database.dsn("replies")),
        "instantly_base_url": f"{sandbox_url}/instantly",
        "instantly_api_key": SecretStr("sandbox-instantly-key"),
        "instantly_timeout_seconds": 20,  # no pause of the test machine ends a call
        "instantly_requests_per_second": 100,
        "answer_retry_seconds": 0.01,
        "answer_lookup_seconds": 0.01,
        "health_port": 0,
    }
    return RepliesSettings(**values | more)


@dataclass
class WaitingAnswer:
    """Answer that is due, and the email that it answers."""

    id: UUID
    reply_id: UUID
    lead_id: LeadId
    email: dict[str, Any]


@dataclass
class AnswerFixture:
    """Writer of replies and answers, as the database's owner and at the sandbox."""

    db: asyncpg.Connection
    database: Database
    client: SandboxClient
    sandbox: Sandbox
    broker: BrokerId
    campaign: CampaignId
    vendor_campaign: str

    @classmethod
    async def create(cls, database: Database, sandbox: Sandbox, session: aiohttp.ClientSession) -> Self:
        """Create a broker with an active campaign."""
        db = await asyncpg.connect(database.superuser_dsn)
        client = SandboxClient(sandbox.url, session)
        steps = [{"type": "email", "delay": 0, "variants": [{"subject": "Your home", "body": BODY}]}]
        body = {
            "name": "FL", "campaign_schedule": CAMPAIGN_SCHEDULE, "sequences": [{"steps": steps}], "email_list": [ACCOUNT],
        }  # fmt: skip
        vendor_campaign = str((await client.call_instantly("POST", "/campaigns", body)).json["id"])
        await client.call_instantly("POST", f"/campaigns/{vendor_campaign}/activate")
        broker = BrokerId(new_id())
        await db.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
        campaign = await db.fetchval(
            """insert into app.campaigns (broker_id, name, vendor_campaign_id, version, synced_version, sequence, settings)
            values ($1, 'Home equity', $2, 1, 1, jsonb_build_array(jsonb_build_object('day', 1, 'subject', 'Your home', 'body', $3::text)),
              jsonb_build_object('postal_address', $4::text))
            returning id""",
            broker, vendor_campaign, BODY, POSTAL_ADDRESS,
        )  # fmt: skip
        return cls(db, database, client, sandbox, broker, CampaignId(campaign), vendor_campaign)

    async def add_lead(self, email: str = OWNER, status: str = "replied") -> LeadId:
        """Add a lead with a verified address, in the database and in the campaign at Instantly; send it the first email."""
        lead = LeadId(new_id())
        key, wrapped = KEYS.create_data_key(lead)
        await self.db.execute(
            """insert into app.leads (id, property_state, observed, source, assigned_broker_id, data_key, email_verified,
              campaign_status, deceased_owner, litigator, owner_first_name, owner_last_name)
            values ($1, 'FL', '{}', 'test', $2, $3, true, $4::text::app.campaign_status, false, false, 'Marjorie', 'Holt')""",
            lead, self.broker, wrapped, status,
        )  # fmt: skip
        await self.db.execute(
            """insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source, verified,
              verified_at) values ($1, 'email', $2, 'h1', $3, 'test', true, now())""",
            lead, KEYS.hash_contact(email), key.encrypt("email", email),
        )  # fmt: skip
        member = {"email": email, "first_name": "Marjorie", "custom_variables": {"lead_id": str(lead)}}
        await self.client.call_instantly("POST", "/leads/add", {"campaign_id": self.vendor_campaign, "leads": [member]})
        await self.client.call_control_api("POST", "instantly/emails", {"email": email, "step": 1})
        return lead

    async def receive(self, text: str = "Yes please, call me.", email: str = OWNER, **fields: Any) -> dict[str, Any]:
        """Let the owner reply at Instantly. Return the email."""
        reply = {"email": email, "text": text, **fields}
        received: dict[str, Any] = await self.client.call_control_api("POST", "instantly/replies", reply)
        return received

    async def add_answer(
        self,
        lead: LeadId,
        received: dict[str, Any],
        *,
        text: str = "Yes please, call me.",
        named: str | None = None,
        email: str = OWNER,
        age: timedelta = timedelta(),
    ) -> WaitingAnswer:
        """Add a routed reply, as its webhook reported it, with an answer that is due. *named* is another id of an email."""
        reply_id, answer_id = new_id(), new_id()
        key = KEYS.unwrap_data_key(lead, await self.db.fetchval("select data_key from app.leads where id = $1", lead))
        at = datetime.fromisoformat(received["timestamp_created"])
        await self.db.execute(
            """insert into app.replies (id, event_id, lead_id, broker_id, campaign_id, vendor_email_id, account, value_hash,
              hash_key_id, matched_by, at, received_at, text_ciphertext, state, intent, classified_by, route, routed_at,
              is_auto_reply)
            values ($1, $2, $3, $4, $5, $6, $7, $8, 'h1', 'lead_id', $9, $9, $10, 'routed', 'interested', 'model',
              'consent_link', now(), $11)""",
            reply_id, new_id(), lead, self.broker, self.campaign, named or received["id"], ACCOUNT, KEYS.hash_contact(email),
            at, encrypt_text(key, reply_id, "text", text), bool(received["is_auto_reply"]),
        )  # fmt: skip
        await self.db.execute(
            """insert into app.reply_answers (id, reply_id, lead_id, broker_id, template, template_version, state, value_hash,
              hash_key_id, reply_to_email_id, account, created_at)
            values ($1, $2, $3, $4, 'consent_link', 1, 'due', $5, 'h1', $6, $7, now() - $8::interval)""",
            answer_id, reply_id, lead, self.broker, KEYS.hash_contact(email), named or received["id"], ACCOUNT, age,
        )  # fmt: skip
        return WaitingAnswer(answer_id, reply_id, lead, received)

    async def data_key(self, lead: LeadId) -> DataKey:
        """Return the data key of a lead."""
        return KEYS.unwrap_data_key(lead, await self.db.fetchval("select data_key from app.leads where id = $1", lead))

    async def add_waiting_answer(self, email: str = OWNER, **fields: Any) -> WaitingAnswer:
        """Add a lead that replied and waits for an answer."""
        lead = await self.add_lead(email)
        return await self.add_answer(lead, await self.receive(email=email, **fields), email=email)

    async def state(self, answer: WaitingAnswer) -> tuple[str, str | None]:
        """Return state and reason of an answer."""
        row = await self.row(answer)
        return row["state"], row["reason"]

    async def row(self, answer: WaitingAnswer) -> asyncpg.Record:
        """Return the row of an answer."""
        row = await self.db.fetchrow("select * from app.reply_answers where id = $1", answer.id)
        assert row
        return row

    async def sent_emails(self, email: str = OWNER) -> list[dict[str, Any]]:
        """Return our answers at Instantly, the oldest first."""
        found: list[dict[str, Any]] = await self.client.call_control_api(
            "GET", f"instantly/emails?lead={email}&ue_type=3"
        )
        return found

    async def end_waits(self) -> None:
        """Let every backoff, lease and wait of the database end."""
        await self.db.execute("update pipeline.provider_states set backoff_until = null, failures = 0")
        await self.db.execute("delete from pipeline.provider_permits")
        await self.db.execute("update app.reply_answers set retry_at = null")
        await self.db.execute("update app.reply_answers set claimed_until = now() where claimed_until is not null")

    async def suppress(self, email: str = OWNER) -> None:
        """Opt out of emails, as the consent service does."""
        await self.db.fetchrow(
            "select * from app.opt_out('email', $1, 'h1', 'opt_out', null, now(), null)", KEYS.hash_contact(email)
        )

    async def events(self, topic: str) -> list[dict[str, Any]]:
        """Return the events of a topic in the outbox of the service."""
        rows = await self.db.fetch("select body from svc_replies.outbox where topic = $1 order by id", topic)
        return [orjson.loads(row["body"]) for row in rows]


class RepliesJobs:
    """Replies service with a database and Instantly but no Kafka. A test runs its jobs."""

    def __init__(self, settings: RepliesSettings) -> None:
        self.service: Service = build(settings)

    async def __aenter__(self) -> Self:
        await self.service.database.start()
        for part in self.service.parts:
            await part.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for part in self.service.parts:
            await part.stop()
        await self.service.database.stop()

    async def run_jobs(self, *jobs: str) -> None:
        """Run *jobs* one after another, due or not."""
        for job in jobs:
            await self.service.jobs.run_job(f"replies.{job}")
